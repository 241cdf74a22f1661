import { listElements } from './field-list.ts'

const longestField = 1_024

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
