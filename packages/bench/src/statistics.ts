/** The middle value, or the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? NaN) + upper) / 2 : upper
}

/** The least value that so large a share (0 to 1) of all does not exceed: nearest rank. NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).toSorted()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN
}

/** A ratio by rounds that belong together: what disturbs a round disturbs both its halves. */
export interface Ratio {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Each value by its partner in the same round. A round that one of them lacks is left out. */
export function ratio(values: readonly number[], partners: readonly number[]): Ratio {
  const rounds = Math.min(values.length, partners.length)
  const ratios = values.slice(0, rounds).map((value, round) => value / (partners[round] ?? NaN))
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}
