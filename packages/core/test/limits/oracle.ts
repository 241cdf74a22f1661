import type { Quota } from '../../src/ports.ts'

/**
 * A token bucket in BigInt, written as the rule and not as the code: tokens are a fraction over `perMs`. The time by which a clock
 * goes back counts as no time: the bucket refills from where the clock is now. Only a charge and a clock that went back are kept.
 */
export interface Oracle {
  /** @param allowDebt - whether one token is enough, whatever the cost */
  ask(cost: number, nowMs: number, allowDebt?: boolean): OracleAnswer
  /** Gives tokens back, at least one. */
  refund(tokens: number, nowMs: number): void
}

interface OracleAnswer {
  readonly admitted: boolean
  readonly tokens: number
  readonly nextMs: number
  /** 0 where it is admitted. */
  readonly retryAfterMs: number
}

export function createOracle(quota: Quota): Oracle {
  const [capacity, refill, perMs] = [BigInt(quota.capacity), BigInt(quota.refill), BigInt(quota.perMs)]
  const full = capacity * perMs
  let charged: { credit: bigint; at: bigint } | undefined

  /** First millisecond from now at which so much is there, by trying where it must be. */
  const until = (credit: bigint, wanted: bigint): bigint => {
    if (credit >= wanted) return 0n
    let wait = (wanted - credit) / refill
    while (credit + wait * refill < wanted) wait += 1n
    return wait
  }

  const creditAt = (now: bigint): { credit: bigint; isBack: boolean } => {
    const { credit, at } = charged ?? { credit: full, at: now }
    const gained = now > at ? (now - at) * refill : 0n
    return { credit: credit + gained > full ? full : credit + gained, isBack: now < at }
  }

  return {
    refund: (tokens, nowMs) => {
      const more = creditAt(BigInt(nowMs)).credit + BigInt(tokens) * perMs
      charged = { credit: more > full ? full : more, at: BigInt(nowMs) }
    },
    ask: (cost, nowMs, allowDebt = false) => {
      const now = BigInt(nowMs)
      const { credit, isBack } = creditAt(now)
      const price = BigInt(cost) * perMs
      const wanted = cost === 0 || allowDebt ? perMs : price
      const admitted = credit >= wanted
      const left = admitted ? credit - price : credit
      if ((admitted && cost > 0) || isBack) charged = { credit: left, at: now }
      const tokens = left < 0n ? 0n : left / perMs
      return {
        admitted,
        tokens: Number(tokens),
        nextMs: left === full ? 0 : Number(until(left, (tokens + 1n) * perMs)),
        retryAfterMs: admitted ? 0 : Number(until(credit, wanted)),
      }
    },
  }
}

/** The same numbers for the same seed: steps that can be run again (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
