import type { Quota } from '../ports.ts'

/**
 * A quota in whole numbers: a token is worth `perToken` credit, every millisecond adds `gainPerMs`, and a full bucket holds
 * `full`. Below 2^53 all arithmetic here is exact. Division is safe too: a fraction a / b is at least 1 / b away from an
 * integer, and the rounding error is smaller.
 */
export interface BucketRule {
  readonly full: number
  readonly perToken: number
  readonly gainPerMs: number
}

/**
 * Gives the rule of a quota, and checks that it can be computed exactly.
 *
 * @throws RangeError that names the quota: its members must be whole numbers from 1, and `capacity · perMs` below 2^53
 */
export function bucketRule(name: string, { capacity, refill, perMs }: Quota): BucketRule {
  if (!isCount(capacity) || !isCount(refill) || !isCount(perMs))
    throw new RangeError(
      `quota "${name}": capacity, refill and perMs must be whole numbers from 1; got ${capacity}, ${refill} and ${perMs}`,
    )
  if (!Number.isSafeInteger(capacity * perMs))
    throw new RangeError(`quota "${name}": capacity times perMs must be below 2^53`)
  return { full: capacity * perMs, perToken: perMs, gainPerMs: refill }
}

/** The credit after `elapsedMs`. If the clock went back, so a negative number, the credit stays as it is. */
export function refilled(rule: BucketRule, credit: number, elapsedMs: number): number {
  if (elapsedMs <= 0) return credit
  return elapsedMs >= msUntil(rule, credit, rule.full) ? rule.full : credit + elapsedMs * rule.gainPerMs
}

/** Milliseconds until the credit is `wanted`; 0 if it is already. */
export function msUntil(rule: BucketRule, credit: number, wanted: number): number {
  return credit >= wanted ? 0 : Math.ceil((wanted - credit) / rule.gainPerMs)
}

/** Whole tokens in the credit. */
export function wholeTokens(rule: BucketRule, credit: number): number {
  return Math.floor(credit / rule.perToken)
}

/** Milliseconds until there is one whole token more; 0 if the bucket is full. */
export function msUntilNext(rule: BucketRule, credit: number): number {
  return credit >= rule.full ? 0 : msUntil(rule, credit, (wholeTokens(rule, credit) + 1) * rule.perToken)
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
