import type { Admission, AdmissionAsk, QuotaLeft } from '@sallyport/core'

/** The script's answer. It becomes an admission when its slots are held. */
export type Verdict =
  | { readonly admitted: true; readonly left: readonly QuotaLeft[] }
  | Extract<Admission, { readonly admitted: false }>

/** Milliseconds to wait after a slot refused: it is unknown when a download ends. */
const SLOT_RETRY_MS = 1_000

/**
 * Reads the script's answer. It must have exactly as many whole numbers as the ask has results, each within the ask's limits.
 *
 * @throws Error for a malformed answer, because admitting a request by mistake cannot be undone
 */
export function readVerdict(reply: unknown, { quotas, slots }: AdmissionAsk): Verdict {
  const [by, waitMs, ...rest] = wholeNumbers(reply, 2 + 2 * quotas.length)
  const names = [...quotas, ...slots].map(({ name }) => name)
  const left = quotas.map(({ name }, index) => ({
    name,
    tokens: rest[2 * index] ?? 0,
    nextMs: rest[2 * index + 1] ?? 0,
  }))
  const isPossible =
    by !== undefined &&
    waitMs !== undefined &&
    by <= names.length &&
    (by > 0 && by <= quotas.length ? waitMs > 0 : waitMs === 0) &&
    quotas.every(({ quota }, index) => (left[index]?.tokens ?? 0) <= quota.capacity)
  if (!isPossible) throw new Error('unexpected answer of the script')
  const refuser = names[by - 1]
  if (refuser === undefined) return { admitted: true, left }
  return { admitted: false, by: refuser, retryAfterMs: by > quotas.length ? SLOT_RETRY_MS : waitMs, left }
}

/** Reads a list of exactly `count` whole numbers, as numbers or as decimal text. `[]`: the reply is anything else. */
function wholeNumbers(reply: unknown, count: number): readonly number[] {
  if (!Array.isArray(reply) || reply.length !== count) return []
  const numbers = reply.map(wholeNumber)
  return numbers.includes(undefined) ? [] : numbers.filter((number) => number !== undefined)
}

/** Reads a whole number. Stricter than `Number`, which also reads null, '', ' ', [], false, true, '0x1' and '1e3'. */
export function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^(?:0|[1-9]\d*)$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}
