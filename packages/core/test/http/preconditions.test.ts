import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { PreconditionFields } from '../../src/http/preconditions.ts'
import { evaluatePreconditions, rangeStillApplies } from '../../src/http/preconditions.ts'

const current = { etag: '"now"', lastModified: new Date('2026-11-20T10:00:00.700Z') }
const before = 'Fri, 20 Nov 2026 09:59:59 GMT'
const same = 'Fri, 20 Nov 2026 10:00:00 GMT'
const after = 'Fri, 20 Nov 2026 10:00:01 GMT'

type Verdict = ReturnType<typeof evaluatePreconditions>

describe('one condition', () => {
  test.each<[PreconditionFields, Verdict]>([
    [{}, 'proceed'],
    [{ ifMatch: '"now"' }, 'proceed'],
    [{ ifMatch: '"old", "now"' }, 'proceed'],
    [{ ifMatch: '*' }, 'proceed'],
    [{ ifMatch: '"old"' }, 'precondition_failed'],
    [{ ifMatch: 'W/"now"' }, 'precondition_failed'],
    [{ ifMatch: 'now' }, 'precondition_failed'],
    [{ ifMatch: '' }, 'precondition_failed'],
    [{ ifUnmodifiedSince: before }, 'precondition_failed'],
    [{ ifUnmodifiedSince: same }, 'proceed'],
    [{ ifUnmodifiedSince: after }, 'proceed'],
    [{ ifUnmodifiedSince: 'yesterday' }, 'proceed'],
    [{ ifNoneMatch: '"now"' }, 'not_modified'],
    [{ ifNoneMatch: 'W/"now"' }, 'not_modified'],
    [{ ifNoneMatch: '"old", W/"now"' }, 'not_modified'],
    [{ ifNoneMatch: '*' }, 'not_modified'],
    [{ ifNoneMatch: '"old"' }, 'proceed'],
    [{ ifNoneMatch: 'now' }, 'proceed'],
    [{ ifModifiedSince: before }, 'proceed'],
    [{ ifModifiedSince: same }, 'not_modified'],
    [{ ifModifiedSince: after }, 'not_modified'],
    [{ ifModifiedSince: 'yesterday' }, 'proceed'],
    [{ ifModifiedSince: `${same}, ${same}` }, 'proceed'],
  ])('%o: %s', (fields, verdict) => {
    expect(evaluatePreconditions(fields, current)).toBe(verdict)
  })
})

describe('several conditions, in the order of RFC 9110 §13.2.2', () => {
  test.each<[string, PreconditionFields, Verdict]>([
    ['If-Match outranks If-Unmodified-Since', { ifMatch: '"now"', ifUnmodifiedSince: before }, 'proceed'],
    [
      'If-Match outranks If-Unmodified-Since',
      { ifMatch: '"old"', ifUnmodifiedSince: after },
      'precondition_failed',
    ],
    ['a malformed If-Match too', { ifMatch: 'now', ifUnmodifiedSince: after }, 'precondition_failed'],
    [
      'If-Match is judged before If-None-Match',
      { ifMatch: '"old"', ifNoneMatch: '"now"' },
      'precondition_failed',
    ],
    ['both hold', { ifMatch: '"now"', ifNoneMatch: '"now"' }, 'not_modified'],
    [
      'If-Unmodified-Since is judged before If-None-Match',
      { ifUnmodifiedSince: before, ifNoneMatch: '"now"' },
      'precondition_failed',
    ],
    ['If-None-Match outranks If-Modified-Since', { ifNoneMatch: '"old"', ifModifiedSince: after }, 'proceed'],
    [
      'If-None-Match outranks If-Modified-Since',
      { ifNoneMatch: '"now"', ifModifiedSince: before },
      'not_modified',
    ],
    ['a malformed If-None-Match too', { ifNoneMatch: 'now', ifModifiedSince: after }, 'proceed'],
    ['If-Match with If-Modified-Since', { ifMatch: '"now"', ifModifiedSince: same }, 'not_modified'],
    ['both dates', { ifUnmodifiedSince: after, ifModifiedSince: before }, 'proceed'],
  ])('%s: %o', (_, fields, verdict) => {
    expect(evaluatePreconditions(fields, current)).toBe(verdict)
  })
})

describe('dates where no modification date is known', () => {
  test.each([undefined, new Date(Number.NaN)])('%s: are ignored', (lastModified) => {
    const unknown = { etag: '"now"', lastModified }
    expect(evaluatePreconditions({ ifUnmodifiedSince: before }, unknown)).toBe('proceed')
    expect(evaluatePreconditions({ ifModifiedSince: after }, unknown)).toBe('proceed')
    expect(rangeStillApplies(same, unknown, new Date(after))).toBe(false)
  })
})

describe('If-Range', () => {
  const answered = new Date('2026-11-20T12:00:00Z')

  test.each([
    [undefined, true],
    ['"now"', true],
    ['"old"', false],
    ['W/"now"', false],
    ['now', false],
    ['', false],
    ['*', false],
    ['"now", "now"', false],
    ['"now', false],
    [same, true],
    [before, false],
    [after, false],
    [`${same}, ${same}`, false],
    ['2026-11-20T10:00:00Z', false],
    ['Friday, 20-Nov-26 10:00:00 GMT', true],
  ])('%s: %s', (ifRange, applies) => {
    expect(rangeStillApplies(ifRange, current, answered)).toBe(applies)
  })

  test('a date counts from the next second on', () => {
    expect(rangeStillApplies(same, current, new Date('2026-11-20T10:00:00.999Z'))).toBe(false)
    expect(rangeStillApplies(same, current, new Date('2026-11-20T10:00:01.000Z'))).toBe(true)
  })

  test('a weak tag of our own proves nothing', () => {
    expect(rangeStillApplies('W/"now"', { etag: 'W/"now"' }, answered)).toBe(false)
    expect(rangeStillApplies('"now"', { etag: 'now' }, answered)).toBe(false)
  })
})

test('no text throws, and only * and our own tag pass If-Match', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'W/"now,* \t'.split('')) }),
  )
  fc.assert(
    fc.property(text, text, (one, other) => {
      const verdict = evaluatePreconditions({ ifMatch: one, ifNoneMatch: other }, current)
      const named = one === '*' || one.includes('"now"')
      expect(verdict === 'precondition_failed' || named).toBe(true)
      expect(rangeStillApplies(one, current, new Date(after))).toBe(one === '"now"')
    }),
    { numRuns: 3_000 },
  )
})
