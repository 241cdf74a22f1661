/** The median. NaN if there is no value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper
}

/** The quantile of a share from 0 to 1, by nearest rank. NaN if there is no value. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/** The ratio of two servers round by round, because other load affects both in the same round. */
export interface Ratio {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Divides each value by the other one of the same round. Skips a round that lacks one of them. */
export function ratio(values: readonly number[], partners: readonly number[]): Ratio {
  const rounds = Math.min(values.length, partners.length)
  const ratios = values.slice(0, rounds).map((value, round) => value / (partners[round] ?? NaN))
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}
