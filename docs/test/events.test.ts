import type { Outcome } from '@sallyport/core'
import { describe, expect, test } from 'vitest'

import { statusOf, troublePorts } from '../../packages/core/src/refusals.ts'
import { troubleCodes, unusedTroubleCodes } from '../../scripts/trouble-codes.ts'
import { textOf } from './blocks.ts'

// events.md and operations.md leave nothing out, and tell of nothing that is not there.

const events = textOf('docs/events.md')
const operations = textOf('docs/operations.md')
const section = (text: string, heading: string): string =>
  text.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
const firstCells = (text: string): readonly string[] =>
  [...text.matchAll(/^\| (`[^|]+)\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )

const outcomes: Record<Outcome, true> = {
  completed: true,
  refused: true,
  client_aborted: true,
  client_too_slow: true,
  lifetime_over: true,
  shut_down: true,
  cut: true,
  store_cut: true,
  store_stalled: true,
  store_too_slow: true,
  store_overran: true,
  store_wrong: true,
  object_changed: true,
  failed: true,
}
describe('events.md', () => {
  test('lists every trouble code, and no other', () => {
    const ports = new Set(Object.values(troublePorts).filter((port) => port !== 'adapter'))
    const told = firstCells(section(events, 'Troubles')).flatMap((code) =>
      code.startsWith('<port>') ? [...ports].map((port) => code.replace('<port>', port)) : [code],
    )
    expect(told.toSorted()).toEqual(troubleCodes().toSorted())
  })

  test('lists no trouble code that no source reports', () => {
    expect(unusedTroubleCodes()).toEqual([])
  })

  test('lists every outcome', () => {
    expect(firstCells(section(events, 'Outcomes')).toSorted()).toEqual(Object.keys(outcomes).toSorted())
  })

  test('has five alerts', () => {
    const rows = section(events, 'Five alerts').match(/^\| (?!-|alert)/gm)
    expect(rows).toHaveLength(5)
  })

  test('names the rule of each alert', () => {
    const named = section(events, 'Five alerts').match(/`Sallyport\w+`/g) ?? []
    const rules = textOf('docs/monitoring/alerts.yml').match(/(?<=- alert: )\w+/g) ?? []
    expect(named).toEqual(rules.map((rule) => `\`${rule}\``))
  })
})

describe('operations.md', () => {
  test('has a row for every kind of refusal', () => {
    expect(firstCells(section(operations, 'Refusals')).toSorted()).toEqual(Object.keys(statusOf).toSorted())
  })

  test('has a row for every outcome', () => {
    expect(firstCells(section(operations, 'Cuts')).toSorted()).toEqual(Object.keys(outcomes).toSorted())
  })
})
