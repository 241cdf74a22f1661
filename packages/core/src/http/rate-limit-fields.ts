/** A quota as clients are told of it. `unit` absent: requests. */
export interface PolicyField {
  readonly name: string
  readonly quota: number
  readonly windowSeconds?: number
  readonly unit?: 'concurrent-requests'
}

/** What is left of a quota, and the seconds until there is more. */
export interface LimitField {
  readonly name: string
  readonly remaining: number
  readonly resetSeconds?: number
}

/** `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11). `''`: there is no policy, so nothing to send. */
export const formatRateLimitPolicy = (policies: readonly PolicyField[]): string =>
  policies.map(formatPolicy).join(', ')

/** `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11). `''`: there is no limit, so nothing to send. */
export const formatRateLimit = (left: readonly LimitField[]): string => left.map(formatLimit).join(', ')

/**
 * The older `X-RateLimit-*` fields, of the quota that is nearest its end, for they can tell of one only. `Reset` is in
 * seconds from now, and absent where nobody knows. No specification stands behind them. `{}`: there is no such quota.
 */
export function legacyRateLimitFields(
  policies: readonly PolicyField[],
  left: readonly LimitField[],
): Record<string, string> {
  const [nearest] = left.toSorted((one, other) => one.remaining - other.remaining)
  const policy = policies.find(({ name }) => name === nearest?.name)
  if (!nearest || !policy) return {}
  return {
    'X-RateLimit-Limit': roundDown(policy.quota),
    'X-RateLimit-Remaining': roundDown(nearest.remaining),
    ...(nearest.resetSeconds !== undefined && { 'X-RateLimit-Reset': roundUp(nearest.resetSeconds) }),
  }
}

/** `Retry-After` of a wait in milliseconds (RFC 9110 §10.2.3): whole seconds, rounded up so that it is never too early, at least 1. */
export const retryAfterSeconds = (ms: number): number => Math.max(1, Number(roundUp(ms / 1_000)))

function formatPolicy({ name, quota, windowSeconds, unit }: PolicyField): string {
  const window = windowSeconds === undefined ? '' : `;w=${Math.max(1, Number(roundUp(windowSeconds)))}`
  return `${quote(name)};q=${roundDown(quota)}${unit ? `;qu=${quote(unit)}` : ''}${window}`
}

const formatLimit = ({ name, remaining, resetSeconds }: LimitField): string =>
  `${quote(name)};r=${roundDown(remaining)}${resetSeconds === undefined ? '' : `;t=${roundUp(resetSeconds)}`}`

/** A String of RFC 9651 §3.3.3: printable ASCII with two escapes; any other character becomes `?`. */
const quote = (text: string): string => (plain.test(text) ? `"${text}"` : escaped(text))

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

const escaped = (text: string): string =>
  `"${text.replaceAll(/[^\x20-\x7e]/gu, '?').replaceAll(/["\\]/g, String.raw`\$&`)}"`

const roundDown = (value: number): string => integer(Math.floor(value))
const roundUp = (value: number): string => integer(Math.ceil(value))

/** An Integer of RFC 9651 §3.3.1 has at most 15 digits; ours are never negative. */
const integer = (value: number): string => String(Math.min(Math.max(0, value || 0), 999_999_999_999_999))
