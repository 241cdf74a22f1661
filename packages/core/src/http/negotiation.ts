import { listElements } from './field-values.ts'

const longestField = 1_024

/**
 * Whether the client takes the content coding gzip, by the value of `Accept-Encoding` (RFC 9110 §12.5.3). `x-gzip` is
 * gzip (§8.4.1.3), and `*` stands for it where neither is named; a weight of 0 refuses it.
 *
 * `false` also where the field is absent, malformed or longer than 1,024 characters. Absent means "any coding" to the RFC;
 * but who names none, like a plain script, mostly decodes none, and a file that is kept as it is can always be read.
 */
export function acceptsGzip(value: string | undefined): boolean {
  if (value === undefined || value.length > longestField) return false
  const gzip: number[] = []
  const any: number[] = []
  for (const element of listElements(value)) {
    const [, coding, weight = '1'] =
      /^([\w!#$%&'*+.^`|~-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i.exec(element) ?? []
    if (coding === undefined) return false
    if (/^(?:x-)?gzip$/i.test(coding)) gzip.push(Number(weight))
    if (coding === '*') any.push(Number(weight))
  }
  const decisive = gzip.length > 0 ? gzip : any
  // Named twice and once refused: what is surely readable is the file as it is.
  return decisive.length > 0 && decisive.every((weight) => weight > 0)
}

/** `Repr-Digest` of a SHA-256 in hex (RFC 9530 §3). `undefined`: it is not 64 hex digits, so nothing is sent. */
export function formatReprDigest(sha256Hex: string): string | undefined {
  if (!/^[0-9a-f]{64}$/i.test(sha256Hex)) return undefined
  const octets = sha256Hex.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? []
  return `sha-256=:${btoa(String.fromCharCode(...octets))}:`
}

/**
 * Whether the client wants a SHA-256, by the value of `Want-Repr-Digest` (RFC 9530 §4): unless it gives `sha-256` the
 * preference 0, for the field is a hint. A malformed value, or one longer than 1,024 characters, is as if it were not sent.
 */
export function wantsSha256(wantReprDigest: string | undefined): boolean {
  if (wantReprDigest === undefined || wantReprDigest.length > longestField) return true
  let wanted = true
  for (const element of listElements(wantReprDigest)) {
    const [, algorithm, preference] = /^([a-z*][a-z0-9_.*-]*)=(\d{1,15})(?: *;.*)?$/.exec(element) ?? []
    if (preference === undefined || Number(preference) > 10) return true
    // A key that is repeated counts by its last place (RFC 9651 §4.2.2).
    if (algorithm === 'sha-256') wanted = Number(preference) > 0
  }
  return wanted
}

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
