import { listElements } from './field-values.ts'

const longestField = 1_024

/** Formats `Repr-Digest` of a SHA-256 in hex (RFC 9530 §3). `undefined`: the text is not 64 hex digits, so send no field. */
export function formatReprDigest(sha256Hex: string): string | undefined {
  if (!/^[0-9a-f]{64}$/i.test(sha256Hex)) return undefined
  const octets = sha256Hex.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? []
  return `sha-256=:${btoa(String.fromCharCode(...octets))}:`
}

/**
 * Whether to send a SHA-256.
 *
 * @param wantReprDigest - the value of `Want-Repr-Digest` (RFC 9530 §4). Only the preference 0 for `sha-256` gives `false`,
 *   because the field is a hint. A value that is malformed or longer than 1,024 characters counts as absent
 */
export function wantsSha256(wantReprDigest: string | undefined): boolean {
  if (wantReprDigest === undefined || wantReprDigest.length > longestField) return true
  let wanted = true
  for (const element of listElements(wantReprDigest)) {
    const [, algorithm, preference] = /^([a-z*][a-z0-9_.*-]*)=(\d{1,15})(?: *;.*)?$/.exec(element) ?? []
    if (preference === undefined || Number(preference) > 10) return true
    // Of a repeated key, the last one counts (RFC 9651 §4.2.2).
    if (algorithm === 'sha-256') wanted = Number(preference) > 0
  }
  return wanted
}

/**
 * Whether the client prefers HTML, as a browser does that opens a link.
 *
 * @param value - the value of `Accept` (RFC 9110 §12.5.1). It must name `text/html`, and no JSON type with a greater weight.
 *   `false` if the field is absent, malformed or longer than 1,024 characters
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

/**
 * Whether a browser sends the request before the user has clicked: `Sec-Purpose: prefetch` (Fetch standard §5.4), or the older
 * `Purpose: prefetch` and `X-Moz: prefetch`.
 *
 * @param header - returns a field's value by its lower-case name. `undefined`: not sent
 */
export const isPrefetch = (header: (name: string) => string | undefined): boolean =>
  ['sec-purpose', 'purpose', 'x-moz'].some((name) =>
    listElements(header(name) ?? '').some((element) => /^prefetch(?:[ \t]*;|$)/i.test(element)),
  )
