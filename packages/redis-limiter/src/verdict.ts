import type { Admission, AdmissionAsk, QuotaLeft } from '@sallyport/core'

/** What the script said: an admission that has yet to be held. */
export type Verdict =
  | { readonly admitted: true; readonly left: readonly QuotaLeft[] }
  | Extract<Admission, { readonly admitted: false }>

/** A slot frees when some download ends, and nobody knows when: the refused are told to wait this long. */
const SLOT_RETRY_MS = 1_000

/**
 * Reads the script's answer: whole numbers, as text.
 *
 * @throws Error for anything else: somebody else answers in Redis' place
 */
export function readVerdict(reply: unknown, { quotas, slots }: AdmissionAsk): Verdict {
  const [by, waitMs, ...rest] = wholeNumbers(reply)
  const names = [...quotas, ...slots].map(({ name }) => name)
  if (by === undefined || waitMs === undefined || by > names.length || rest.length !== 2 * quotas.length)
    throw new Error('unexpected answer of the script')
  const left = quotas.map(({ name }, index) => ({
    name,
    tokens: rest[2 * index] ?? 0,
    nextMs: rest[2 * index + 1] ?? 0,
  }))
  const refuser = names[by - 1]
  if (refuser === undefined) return { admitted: true, left }
  return { admitted: false, by: refuser, retryAfterMs: by > quotas.length ? SLOT_RETRY_MS : waitMs, left }
}

function wholeNumbers(reply: unknown): readonly number[] {
  const numbers = Array.isArray(reply) ? reply.map(Number) : []
  return numbers.every((number) => Number.isSafeInteger(number) && number >= 0) ? numbers : []
}
