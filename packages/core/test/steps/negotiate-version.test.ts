import { describe, expect, test } from 'vitest'

import { negotiateVersion } from '../../src/steps/negotiate-version.ts'

interface Row {
  readonly name: string
  readonly sunset?: Date
}
const [v1, v2, v3]: readonly [Row, Row, Row] = [
  { name: 'v1' },
  { name: 'v2', sunset: new Date(100) },
  { name: 'v3' },
]
const versions = new Map([v1, v2, v3].map((version) => [version.name, version]))
const two = new Map([v1, v2].map((version) => [version.name, version]))

const negotiate = (
  requested: string | undefined,
  rows: ReadonlyMap<string, Row>,
  defaultVersion: Row,
  now: number,
): object =>
  negotiateVersion(requested, { versions: rows, defaultVersion, versionHeader: 'X-API-Version' }, now)

describe('negotiateVersion', () => {
  test.each([
    [undefined, v1],
    ['v1', v1],
    ['v2', v2],
    ['v3', v3],
  ])('%s', (requested, version) => {
    expect(negotiate(requested, versions, v1, 99)).toEqual({ version, parsed: { value: version } })
  })

  test.each(['', 'V1', 'v1 ', 'v1, v2', '__proto__', 'constructor', 'v4'])(
    '%j is unknown, and answered in the way of the default',
    (requested) => {
      expect(negotiate(requested, versions, v3, 99)).toEqual({
        version: v3,
        parsed: {
          fault: {
            part: 'version',
            in: 'header',
            name: 'X-API-Version',
            rule: 'one_of',
            allowed: ['v1', 'v2', 'v3'],
            input: requested,
          },
        },
      })
    },
  )

  test.each([
    [versions, 100, ['v1', 'v3']],
    [two, 99, ['v1', 'v2']],
    [two, 100, ['v1']],
    [new Map<string, Row>(), 0, []],
  ])('names those that serve', (rows, now, allowed) => {
    expect(negotiate('v9', rows, v1, now)).toMatchObject({ parsed: { fault: { allowed } } })
  })

  test.each([
    ['v2', 'v2'],
    [undefined, null],
  ])('from its sunset on a version is unknown, also as the default: %s', (requested, input) => {
    expect(negotiate(requested, two, v2, 100)).toMatchObject({
      version: v2,
      parsed: { fault: { allowed: ['v1'], input } },
    })
  })

  test('a fault has the name of the header', () => {
    const rules = { versions, defaultVersion: v1, versionHeader: 'Api-Version' }
    expect(negotiateVersion('v9', rules, 0)).toMatchObject({ parsed: { fault: { name: 'Api-Version' } } })
  })
})
