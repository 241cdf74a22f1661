import { listElements } from './field-values.ts'

const longestField = 1_024

/**
 * Whether the client accepts the content coding gzip.
 *
 * @param value - the value of `Accept-Encoding` (RFC 9110 §12.5.3). `x-gzip` means gzip (§8.4.1.3); `*` counts if neither is
 *   named; a weight of 0 refuses. `false` if the field is absent, malformed or longer than 1,024 characters: for the RFC, absence
 *   means "any coding", but most clients without the field do not decode
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
  // If gzip is named twice, and refused once, do not send gzip: every client can read an uncoded file.
  return decisive.length > 0 && decisive.every((weight) => weight > 0)
}

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
