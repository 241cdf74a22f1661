/** Finds the known name that is most like a misspelt one. `undefined`: none is like it. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((one) => ({
      one,
      distance: begins(name, one) ? 0 : distanceOf(name.toLowerCase(), one.toLowerCase()),
    }))
    .toSorted((a, b) => a.distance - b.distance)
  return nearest && nearest.distance <= Math.max(2, nearest.one.length / 3) ? nearest.one : undefined
}

/** As `jwksUri` begins with `jwks`. */
const begins = (name: string, one: string): boolean => one.length > 3 && name.startsWith(one)

/** Levenshtein's distance. Names are short; longer text counts as far. */
function distanceOf(one: string, other: string): number {
  if (one.length > 40) return one.length
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (const [index, letter] of Array.from(one).entries()) {
    const next = [index + 1]
    for (const [column, beside] of Array.from(other).entries()) {
      const changed = (row[column] ?? 0) + (letter === beside ? 0 : 1)
      next.push(Math.min(changed, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? other.length
}
