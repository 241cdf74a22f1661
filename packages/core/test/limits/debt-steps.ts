import type { Admission, AdmissionAsk, Quota } from '../../src/ports.ts'
import { createOracle, seeded } from './oracle.ts'

/** A limiter that counts exactly as the oracle does, on a clock that the steps set. */
export interface DebtSubject {
  /** Begins a round: a new quota, under a new key. */
  readonly begin: () => void
  /** Sets the clock, in milliseconds. */
  readonly at: (ms: number) => void
  /** Asks for bytes. Steps are asked in order, and need not be answered in order. */
  readonly ask: (ask: Pick<AdmissionAsk, 'quotas' | 'cost' | 'allowDebt'>) => Promise<Answer>
  /** Gives back tokens of the nth ask of the round, counted from 0, which was admitted. */
  readonly refund: (nth: number, tokens: number) => Promise<void>
}

type Answer = Pick<Admission, 'admitted' | 'left'> & { readonly retryAfterMs?: number }

const GIGABYTE = 1_000_000_000

/**
 * Runs 12,000 random steps: asks that may owe, and returns of a part or all of what an admitted ask paid, in any order. Quotas are
 * small, or as large as budgets of bytes are; costs are up to three capacities.
 *
 * @returns the answers, and those of the oracle
 */
export async function debtSteps(
  seed: number,
  startMs: number,
  subject: DebtSubject,
): Promise<{ readonly given: readonly Answer[]; readonly expected: readonly Answer[] }> {
  const random = seeded(seed)
  const below = (most: number): number => Math.floor(random() * most)
  let now = startMs
  const given: Answer[] = []
  const expected: Answer[] = []
  for (let round = 0; round < 24; round += 1) {
    const quota = round % 2 === 0 ? smallQuota(below) : budget(below)
    const quotas = [{ name: 'user', key: ['acme', `debt-${seed}-${round}`], quota }]
    const oracle = createOracle(quota)
    const paid: { readonly nth: number; cost: number }[] = []
    const answers: Promise<Answer>[] = []
    subject.begin()
    for (let step = 0; step < 500; step += 1) {
      subject.at(now)
      const chosen = paid[below(paid.length + 1)]
      if (chosen && chosen.cost > 0 && random() < 0.4) {
        const tokens = random() < 0.3 ? chosen.cost : 1 + below(chosen.cost)
        chosen.cost -= tokens
        oracle.refund(tokens, now)
        await subject.refund(chosen.nth, tokens)
      } else {
        const cost = below(3 * quota.capacity)
        const { admitted, tokens, nextMs, retryAfterMs } = oracle.ask(cost, now, true)
        if (admitted) paid.push({ nth: answers.length, cost })
        expected.push({ admitted, retryAfterMs, left: [{ name: 'user', tokens, nextMs }] })
        answers.push(subject.ask({ quotas, cost, allowDebt: true }))
        if (random() < 0.5) now += retryAfterMs === 0 ? nextMs : retryAfterMs
      }
      if (random() < 0.1) now += (below(7) - 3) * 1_000
    }
    for (const { admitted, left, retryAfterMs = 0 } of await Promise.all(answers))
      given.push({ admitted, retryAfterMs, left })
  }
  return { given, expected }
}

const smallQuota = (below: (most: number) => number): Quota => ({
  capacity: 1 + below(50),
  refill: 1 + below(7),
  perMs: 1 + below(100_000),
})

/** Up to 500 GB, refilled by a second, a minute or a day. */
function budget(below: (most: number) => number): Quota {
  const perMs = [1_000, 60_000, 86_400_000][below(3)] ?? 1_000
  return { capacity: 1 + below(500 * GIGABYTE), refill: (1 + below(10_000)) * perMs, perMs }
}
