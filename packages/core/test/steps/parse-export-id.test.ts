import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { parseExportId } from '../../src/steps/parse-export-id.ts'

const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

describe('parseExportId', () => {
  test('an id has one spelling', () => {
    const id = '0F0E0D0C-0B0A-4908-8706-050403020100'
    expect(parseExportId(id, { idParameter: 'job_id' })).toEqual({ value: id.toLowerCase() })
  })

  test('a fault is named after the parameter of the route', () => {
    expect(parseExportId('nope', { idParameter: 'job_id' })).toEqual({
      fault: {
        part: 'export_id',
        in: 'path',
        name: 'job_id',
        rule: 'uuid',
        input: 'nope',
      },
    })
  })

  test('no parameter is an empty one', () => {
    expect(parseExportId(undefined, { idParameter: 'job_id' })).toMatchObject({
      fault: { rule: 'uuid', input: '' },
    })
  })

  test('every UUID of versions 1 to 8 passes, in any case', () => {
    fc.assert(
      fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }), fc.boolean(), (id, upper) => {
        expect(parseExportId(upper ? id.toUpperCase() : id, { idParameter: 'id' })).toEqual({ value: id })
      }),
    )
  })

  test('a GUID passes with any digits for version and variant', () => {
    const hex = fc.string({
      unit: fc.constantFrom(...'123456789abcde'.split('')),
      minLength: 32,
      maxLength: 32,
    })
    fc.assert(
      fc.property(hex, fc.boolean(), (digits, upper) => {
        const id = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
        expect(parseExportId(upper ? id.toUpperCase() : id, { idParameter: 'id' })).toEqual({ value: id })
      }),
    )
  })

  test('whatever is sent, what passes is canonical, and what does not is kept whole', () => {
    const near = fc
      .tuple(fc.uuid(), fc.nat(35), fc.string({ maxLength: 3 }))
      .map(([id, at, text]) => id.slice(0, at) + text + id.slice(at))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), near, fc.string({ minLength: 129 })), (text) => {
        const parsed = parseExportId(text, { idParameter: 'id' })
        const shown = 'value' in parsed ? canonical.test(parsed.value) : parsed.fault.input === text
        expect(shown).toBe(true)
      }),
    )
  })
})

describe('an id of the host', () => {
  const rules = { idParameter: 'job', idPattern: /[a-z]+-[0-9]{1,200}/i }
  const of = { part: 'export_id', in: 'path', name: 'job' }

  test('stays as it was sent', () => {
    expect(parseExportId('Job-17', rules)).toEqual({ value: 'Job-17' })
  })

  test.each<[string | undefined, object]>([
    [undefined, { rule: 'not_empty' }],
    ['', { rule: 'not_empty' }],
    ['job', { rule: 'pattern', pattern: rules.idPattern.source }],
    ['job-17/../x', { rule: 'pattern', pattern: rules.idPattern.source }],
    ['\njob-17', { rule: 'pattern', pattern: rules.idPattern.source }],
    [`job-${'1'.repeat(125)}`, { rule: 'max_length', most: 128 }],
  ])('%j is none', (sent, rule) => {
    expect(parseExportId(sent, rules)).toEqual({ fault: { ...of, input: sent ?? '', ...rule } })
  })

  test('of 128 characters passes', () => {
    const id = `job-${'1'.repeat(124)}`
    expect(parseExportId(id, rules)).toEqual({ value: id })
  })
})
