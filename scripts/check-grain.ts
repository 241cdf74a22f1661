import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

// How core is cut into files: whole ideas, none too long, and no circle of imports. That none imports upwards is checked by
// check-docs.ts.

const inside = 'packages/core/src'
// The number of files may fall. It rises only with a new capability, as it did with the ten files of the OpenAPI description.
const mostFiles = 108
const mostLines = 300
const leastMedian = 70

const files = globSync(`${inside}/**/*.ts`).filter(
  (file) => !file.startsWith(`${inside}/testing/`) && file !== `${inside}/testing.ts`,
)
const sources = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))
const lengths = [...sources.values()].map((text) => text.split('\n').length - 1).toSorted((a, b) => a - b)
const median = lengths[Math.floor(lengths.length / 2)] ?? 0

const faults: string[] = []
if (files.length > mostFiles) faults.push(`${inside} has ${files.length} files, more than ${mostFiles}`)
if (median < leastMedian)
  faults.push(`${inside}: the median file has ${median} lines, fewer than ${leastMedian}`)
for (const [file, text] of sources) {
  const lines = text.split('\n').length - 1
  if (lines > mostLines) faults.push(`${file} has ${lines} lines, more than ${mostLines}`)
}

/** What a file needs when it runs: imports of types alone are gone by then. */
const importsOf = (file: string): readonly string[] =>
  [
    ...(sources.get(file) ?? '').matchAll(
      /^(?:import|export) (?!type )[^;'"]*?from '(\.[^']+)'|^import '(\.[^']+)'/gm,
    ),
  ].map(([, from, bare]) => join(dirname(file), from ?? bare ?? ''))
const whole = new Set<string>()
function follow(file: string, path: readonly string[]): void {
  const at = path.indexOf(file)
  if (at >= 0) {
    faults.push(`a circle of imports: ${[...path.slice(at), file].join(' → ')}`)
    return
  }
  if (whole.has(file)) return
  for (const imported of importsOf(file)) follow(imported, [...path, file])
  whole.add(file)
}
for (const file of files) follow(file, [])

for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log(
  `ok  ${files.length} files of core, the median of ${median} lines, the longest of ${lengths.at(-1)}, no circle`,
)
