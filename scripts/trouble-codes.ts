import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { troublePorts } from '../packages/core/src/refusals.ts'

/** Every code that a `trouble` event can have: the compiler accepts no other. */
export const troubleCodes = (): readonly string[] => Object.keys(troublePorts)

/** Codes of the table that no source of any package reports. */
export function unusedTroubleCodes(): readonly string[] {
  const root = join(import.meta.dirname, '..')
  const table = /export const troublePorts = \{[^}]*\}/
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root })
    .map((file) => readFileSync(join(root, file), 'utf8').replace(table, ''))
    .join('\n')
  return Object.entries(troublePorts)
    .filter(([code, port]) => {
      const names = [`'${code}'`, `\`${code.replace(`${port}_`, '${port}_')}\``]
      return !names.some((name) => sources.includes(name))
    })
    .map(([code]) => code)
}
