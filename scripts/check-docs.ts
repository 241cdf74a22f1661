import { readFileSync } from 'node:fs'

import { referenceText } from '../docs/reference.ts'
import { entryPoints, exportedNames } from './entry-points.ts'
import { drawnFloors, drawnHomes, heldFloors, keptFloors, livesIn, rooms } from './floors.ts'
import { troubleCodes } from './trouble-codes.ts'

// Compares the documents with the sources where there is nothing to run: docstrings, reference, codes and layers.

const faults: string[] = []

for (const { file: entry } of entryPoints()) {
  for (const { name, file, docstring } of exportedNames(entry)) {
    if (docstring === undefined) faults.push(`${file}: ${name} is exported and has no docstring`)
  }
}

if (readFileSync('docs/reference.md', 'utf8') !== referenceText(process.cwd()))
  faults.push('docs/reference.md differs from the sources: run `pnpm docs:reference` and commit the file')

const events = readFileSync('docs/events.md', 'utf8')
for (const code of troubleCodes()) {
  const general = code.replace(/^(?:verifier|tenants|catalogue|store|limiter|audit)_/, '<port>_')
  if (!events.includes(`\`${code}\``) && !events.includes(`\`${general}\``))
    faults.push(`docs/events.md: the code ${code} is missing`)
}

const floors = drawnFloors()
const floorOf = (room: string): number => floors.findIndex((names) => names.includes(room))
for (const room of rooms()) if (floorOf(room) < 0) faults.push(`CONTRIBUTING.md: ${room} is on no floor`)

const held = heldFloors()
for (const [room, lower] of held) {
  for (const other of lower) {
    if (floorOf(other) <= floorOf(room))
      faults.push(`.oxlintrc.json: ${room} may import ${other}, which CONTRIBUTING.md draws no lower`)
  }
}
for (const { file, from, to } of keptFloors()) {
  if (floorOf(to) <= floorOf(from)) faults.push(`${file} imports ${to}, which CONTRIBUTING.md draws no lower`)
}
for (const room of floors.slice(floorOf('exchange')).flat())
  if (!held.has(room)) faults.push(`.oxlintrc.json: holds no floor under ${room}`)

for (const [library, homes] of drawnHomes()) {
  const lives = livesIn(library)
  if (lives.toSorted().join() !== homes.toSorted().join())
    faults.push(`CONTRIBUTING.md: ${library} lives in ${lives.join(', ')}, not in ${homes.join(', ')}`)
}

for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log(
  `ok  ${entryPoints().length} entry points, ${troubleCodes().length} codes, ${floors.length} floors`,
)
