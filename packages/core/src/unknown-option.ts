/** Where options are told one by one; stands once at the end of every complaint. */
export const whereOptionsAreTold = 'docs/options.md tells them one by one'

/** What to say of an option that nobody knows: the known name that it is nearest to, or all of them. */
export function unknownOption(name: string, known: readonly string[]): string {
  const [nearest] = known
    .map((one) => ({
      one,
      distance: begins(name, one) ? 0 : distanceOf(name.toLowerCase(), one.toLowerCase()),
    }))
    .toSorted((a, b) => a.distance - b.distance)
  const near = nearest && nearest.distance <= Math.max(2, nearest.one.length / 3) ? nearest.one : undefined
  return `unknown option; ${near === undefined ? `write one of ${known.join(', ')}` : `did you mean ${near}?`}`
}

/** As `jwksUri` begins with `jwks`. */
const begins = (name: string, one: string): boolean => one.length > 3 && name.startsWith(one)

/** How many letters must be put in, taken out or changed (Levenshtein's distance). Names are short; longer text is far. */
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
