import { describe, expect, test } from 'vitest'

import type { ReadyRecord } from '../../src/catalogue.ts'
import { type ObjectAccess, type OpenedExport, openExport } from '../../src/exchange/open-export.ts'
import type { ObjectInfo, OpenObject } from '../../src/ports.ts'
import { refusalDetail, refuse } from '../../src/refusals.ts'
import { type DeliveryQuestion, objectEtag, planDelivery } from '../../src/steps/plan-delivery.ts'

const info: ObjectInfo = { size: 1_000, validator: 'v1' }
const changed: ObjectInfo = { ...info, validator: 'v2' }

interface Asked {
  readonly method?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly object?: ReadyRecord['object']
}
const part = { fields: { range: 'bytes=10-19' } }
const yesterday = 'Wed, 31 Dec 1969 00:00:00 GMT'
const before = new Date(-86_400_000)
const ranged = { range: { first: 10, last: 19 } }

const questionOf = ({ method = 'GET', fields = {}, object }: Asked): DeliveryQuestion => ({
  method,
  header: (name) => fields[name],
  record: { id: 'id', key: 'k', format: 'csv', ...(object && { object }) },
  mediaTypes: {},
  multipleRanges: true,
  vary: 'X-Org-Name, X-API-Version',
  now: 0,
  boundary: () => 'b',
})

/** A store that describes its object so, one after the other, and opens it so. What it was asked, and what was closed. */
function openStore(
  heads: readonly (ObjectInfo | undefined)[],
  gets: readonly (ObjectInfo | undefined | 'changed')[],
) {
  const asked: unknown[] = []
  const closed: number[] = []
  const [nextHead, nextGet] = [heads[Symbol.iterator](), gets[Symbol.iterator]()]
  const access: ObjectAccess = {
    head: async () => {
      asked.push('head')
      return nextHead.next().value
    },
    get: async (options) => {
      const nth = asked.push(options)
      const given = nextGet.next().value
      if (given === 'changed') return refuse('object_changed')
      const chunks = (async function* none(): AsyncGenerator<Uint8Array> {})()
      return given && ({ info: given, chunks, close: () => void closed.push(nth) } satisfies OpenObject)
    },
  }
  const open = (question: Asked): Promise<OpenedExport> =>
    openExport(questionOf(question), access, planDelivery)
  const refused = (question: Asked): Promise<unknown> =>
    open(question).then(
      () => 'nothing',
      (error: unknown) => refusalDetail(error),
    )
  return { asked, closed, open, refused }
}

describe('what is asked of a store', () => {
  test.each<[string, Asked, unknown[]]>([
    ['a download: one round trip', {}, [{}]],
    ['HEAD: a description', { method: 'HEAD' }, ['head']],
    [
      'a range: a description, and the part of just that object',
      part,
      ['head', { ...ranged, ifMatch: 'v1' }],
    ],
    ['a range that is the whole', { fields: { range: 'bytes=0-' } }, ['head', { ifMatch: 'v1' }]],
    ['a condition that lets it pass', { fields: { 'if-match': '*' } }, ['head', { ifMatch: 'v1' }]],
    ['a condition that does not', { fields: { 'if-none-match': '*' } }, ['head']],
    [
      'a range, the record knowing all: one round trip',
      { ...part, object: info },
      [{ ...ranged, ifMatch: 'v1' }],
    ],
    [
      'a range, the record knowing the size',
      { ...part, object: { size: 1_000 } },
      ['head', { ...ranged, ifMatch: 'v1' }],
    ],
    [
      'a condition that does not, the record knowing all',
      { fields: { 'if-none-match': '*' }, object: info },
      [],
    ],
    [
      'a condition on a date, the record knowing all but the date',
      { fields: { 'if-unmodified-since': yesterday }, object: info },
      ['head', { ifMatch: 'v1' }],
    ],
    [
      'If-Range with a date, the record knowing all but the date',
      { fields: { ...part.fields, 'if-range': yesterday }, object: info },
      ['head', { ifMatch: 'v1' }],
    ],
    [
      'If-Range with an ETag, the record knowing all but the date',
      { fields: { ...part.fields, 'if-range': '"v1"' }, object: info },
      [{ ifMatch: 'v1' }],
    ],
    [
      'a condition on a date, the record knowing the date too',
      { fields: { 'if-unmodified-since': yesterday }, object: { ...info, lastModified: before } },
      [{ ifMatch: 'v1' }],
    ],
    ['HEAD, the record knowing all: is it there?', { method: 'HEAD', object: info }, ['head']],
    [
      'several ranges: the first',
      { fields: { range: 'bytes=10-19,500-509' } },
      ['head', { ...ranged, ifMatch: 'v1' }],
    ],
  ])('%s', async (_, question, expected) => {
    const { asked, open } = openStore([info], [info])
    await open(question)
    expect(asked).toEqual(expected)
  })

  test('nothing is opened for an export of 0 bytes that was described', async () => {
    const { asked, open } = openStore([{ ...info, size: 0 }], [])
    expect(await open({ fields: { 'if-match': '*' } })).toMatchObject({ plan: { status: 200, length: 0 } })
    expect(asked).toEqual(['head'])
  })
})

test('a condition on a date holds for the date of the store if the record has none', async () => {
  const { refused } = openStore([{ ...info, lastModified: new Date(0) }], [])
  const asked = { fields: { 'if-unmodified-since': yesterday }, object: info }
  expect(await refused(asked)).toMatchObject({ kind: 'precondition_failed' })
})

describe('an object that is missing', () => {
  test.each<[string, Asked, number]>([
    ['when it is opened', {}, 0],
    ['when it is described', { method: 'HEAD' }, 0],
    ['between the two', part, 1],
  ])('%s', async (_, question, heads) => {
    const { refused } = openStore([info, info].slice(0, heads), [undefined])
    expect(await refused(question)).toEqual({ kind: 'object_missing' })
  })
})

describe('an object that changed between description and opening', () => {
  test.each<[string, ObjectInfo | 'changed', number]>([
    ['as the store says', 'changed', 0],
    ['as is seen', changed, 1],
    ['in size alone', { ...info, size: 5 }, 1],
    ['in coding alone', { ...info, encoding: 'gzip' }, 1],
  ])('%s, is described and planned once more; what was opened in vain is closed', async (_, given, vain) => {
    const { asked, closed, open } = openStore([info, changed], [given, changed])
    const { plan, info: found } = await open(part)
    expect(found).toEqual(changed)
    expect(plan.headers['ETag']).toBe(objectEtag(undefined, 'v2'))
    expect(asked).toEqual(['head', { ...ranged, ifMatch: 'v1' }, 'head', { ...ranged, ifMatch: 'v2' }])
    expect(closed).toHaveLength(vain)
  })

  test('twice, is refused', async () => {
    const { asked, refused } = openStore([info, info], ['changed', 'changed'])
    expect(await refused(part)).toEqual({
      kind: 'object_changed',
      trouble: 'object_changed',
    })
    expect(asked).toHaveLength(4)
  })

  test.each<[string, ObjectInfo | 'changed']>([
    ['as the store says', 'changed'],
    ['as is seen', changed],
    ['in coding alone', { ...info, encoding: 'gzip' }],
  ])('against the record, is no longer the export: %s', async (_, given) => {
    const { asked, refused } = openStore([], [given])
    expect(await refused({ ...part, object: info })).toEqual({
      kind: 'upstream_error',
      trouble: 'record_stale',
    })
    expect(asked).toHaveLength(1)
  })
})

describe('a description that is none', () => {
  const malformed = { kind: 'upstream_error', trouble: 'info_malformed' }
  const none = { size: -1, validator: 'v1' }

  test.each<[string, Asked, readonly ObjectInfo[], readonly ObjectInfo[]]>([
    ['of a download', {}, [], [none]],
    ['of HEAD', { method: 'HEAD' }, [none], []],
    ['of a part', part, [info], [none]],
    ['of a part, the record knowing all', { ...part, object: info }, [], [none]],
  ])('%s', async (_, question, heads, gets) => {
    expect(await openStore(heads, gets).refused(question)).toEqual(malformed)
  })
})
