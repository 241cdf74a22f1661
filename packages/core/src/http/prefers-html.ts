import { listElements } from './field-list.ts'

const longestField = 1_024

/**
 * Whether the value of `Accept` (RFC 9110 §12.5.1) names `text/html`, and no JSON type with a greater weight: a browser that
 * opens a link, and not a script. `false` where the field is absent, malformed or longer than 1,024 characters.
 */
export function prefersHtml(value: string | undefined): boolean {
  if (value === undefined || value.length > longestField) return false
  let html = 0
  let json = 0
  for (const element of listElements(value)) {
    const [type = '', ...parameters] = element.split(';').map((part) => part.trim().toLowerCase())
    const weight = weightOf(parameters)
    if (type === 'text/html' || type === 'application/xhtml+xml') html = Math.max(html, weight)
    if (/^application\/(?:[\w.+-]+\+)?json$/.test(type)) json = Math.max(json, weight)
  }
  return html > 0 && html >= json
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  if (weight === undefined) return 1
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0
}
