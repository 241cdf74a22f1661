import { readFileSync } from 'node:fs'

import { referenceText } from '../docs/reference.ts'
import { entryPoints, exportedNames } from './entry-points.ts'
import {
  documentedLayers,
  documentedHomes,
  lintedLayers,
  folderImports,
  foldersImporting,
  folders,
} from './layers.ts'
import { troubleCodes } from './trouble-codes.ts'

// Compares the documents with the sources: docstrings, reference, codes and layers.

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
  const general = code.replace(/^(?:verifier|tenants|catalogue|store|limiter|tickets|audit)_/, '<port>_')
  if (!events.includes(`\`${code}\``) && !events.includes(`\`${general}\``))
    faults.push(`docs/events.md: the code ${code} is missing`)
}

const layers = documentedLayers()
const layerOf = (folder: string): number => layers.findIndex((names) => names.includes(folder))
for (const folder of folders())
  if (layerOf(folder) < 0) faults.push(`CONTRIBUTING.md: ${folder} is in no layer`)

const linted = lintedLayers()
for (const [folder, lower] of linted) {
  for (const other of lower) {
    if (layerOf(other) <= layerOf(folder))
      faults.push(
        `.oxlintrc.json: ${folder} may import ${other}, which is not in a lower layer of CONTRIBUTING.md`,
      )
  }
}
for (const { file, from, to } of folderImports()) {
  if (layerOf(to) <= layerOf(from))
    faults.push(`${file} imports ${to}, which is not in a lower layer of CONTRIBUTING.md`)
}
for (const folder of layers.slice(layerOf('exchange')).flat())
  if (!linted.has(folder)) faults.push(`.oxlintrc.json: has no import rule for ${folder}`)

for (const [library, homes] of documentedHomes()) {
  const lives = foldersImporting(library)
  if (lives.toSorted().join() !== homes.toSorted().join())
    faults.push(`CONTRIBUTING.md: ${library} lives in ${lives.join(', ')}, not in ${homes.join(', ')}`)
}

for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log(
  `ok  ${entryPoints().length} entry points, ${troubleCodes().length} codes, ${layers.length} layers`,
)
