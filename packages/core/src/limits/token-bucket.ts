import type { Quota } from '../ports.ts'

/**
 * What a quota asks for, in whole numbers only: a token is worth `perToken` credit, every millisecond adds `gainPerMs`, and
 * a full bucket holds `full`. As long as that is below 2^53 every step in this file is exact, the quotients too: an
 * a / b that is not whole lies at least 1 / b from a whole number, and rounding moves it by less.
 */
export interface BucketRule {
  readonly full: number
  readonly perToken: number
  readonly gainPerMs: number
}

/**
 * Gives the rule of a quota, and checks that it can be followed exactly.
 *
 * @throws RangeError that names the quota: its members must be whole numbers from 1, and `capacity · perMs` below 2^53
 */
export function bucketRule(name: string, { capacity, refill, perMs }: Quota): BucketRule {
  if (!isCount(capacity) || !isCount(refill) || !isCount(perMs))
    throw new RangeError(`quota "${name}": capacity, refill and perMs must be whole numbers from 1`)
  if (!Number.isSafeInteger(capacity * perMs))
    throw new RangeError(`quota "${name}": capacity times perMs must be below 2^53`)
  return { full: capacity * perMs, perToken: perMs, gainPerMs: refill }
}

/** The credit after `elapsedMs`. A clock that went back, so a negative number, adds and takes nothing. */
export function refilled(rule: BucketRule, credit: number, elapsedMs: number): number {
  if (elapsedMs <= 0) return credit
  return elapsedMs >= msUntil(rule, credit, rule.full) ? rule.full : credit + elapsedMs * rule.gainPerMs
}

/** Milliseconds until the credit is `wanted`. 0: it is. */
export function msUntil(rule: BucketRule, credit: number, wanted: number): number {
  return credit >= wanted ? 0 : Math.ceil((wanted - credit) / rule.gainPerMs)
}

/** Whole tokens in the credit. */
export function wholeTokens(rule: BucketRule, credit: number): number {
  return Math.floor(credit / rule.perToken)
}

/** Milliseconds until there is one whole token more. 0: the bucket is full. */
export function msUntilNext(rule: BucketRule, credit: number): number {
  return credit >= rule.full ? 0 : msUntil(rule, credit, (wholeTokens(rule, credit) + 1) * rule.perToken)
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
