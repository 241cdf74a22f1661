import { describe, expect, test } from 'vitest'

import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import { openScene, type SceneOptions } from './scene.ts'

const noon = Date.parse('2026-06-01T12:00:00Z')
const links = {
  deprecation: 'https://example.com/deprecation',
  sunset: 'https://example.com/sunset',
  'successor-version': 'https://example.com/v2',
}
const old = { errors: validationErrors(), deprecated: new Date(noon - 1_000), sunset: new Date(noon), links }
const two = (now: number): SceneOptions => ({ versions: { v1: old, v2: {} }, now: () => now })
const deprecation = {
  Deprecation: '@1780315199',
  Sunset: 'Mon, 01 Jun 2026 12:00:00 GMT',
  Link: '<https://example.com/deprecation>; rel="deprecation", <https://example.com/sunset>; rel="sunset", <https://example.com/v2>; rel="successor-version"',
}

describe('a version on its way out', () => {
  test.each([
    [200, {}],
    [204, { method: 'OPTIONS' }],
    [206, { headers: { range: 'bytes=0-1' } }],
    [304, { headers: { 'if-none-match': '*' } }],
    [401, { headers: { authorization: undefined } }],
    [405, { method: 'POST' }],
    [422, { headers: { 'x-org-name': undefined } }],
  ])('tells so, and serves: %d', async (status, request) => {
    await using scene = await openScene(two(noon - 1))
    const { status: seen, field } = await scene.ask(request)
    expect(seen).toBe(status)
    expect(field('x-api-version')).toBe('v1')
    expect({
      Deprecation: field('deprecation'),
      Sunset: field('sunset'),
      Link: field('link'),
    }).toEqual(deprecation)
  })

  test('its successor has nothing to tell', async () => {
    await using scene = await openScene(two(noon - 1))
    const { field } = await scene.ask({ headers: { 'x-api-version': 'v2' } })
    expect([field('x-api-version'), field('deprecation'), field('sunset'), field('link')]).toEqual([
      'v2',
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('from its sunset on a version is unknown', () => {
  const item = { type: 'enum', loc: ['header', 'X-API-Version'], msg: "Input should be 'v2'" }

  test.each([['v1'], [undefined]])('asked for as %s', async (version) => {
    await using scene = await openScene(two(noon))
    const answer = await scene.ask({ headers: { 'x-api-version': version } })
    expect([answer.status, JSON.parse(answer.body)]).toEqual([422, { detail: [item] }])
    expect([answer.field('x-api-version'), answer.field('sunset')]).toEqual([undefined, undefined])
    await scene.over(1)
    expect(scene.ended()[0]).not.toHaveProperty('version')
  })

  test('its successor serves', async () => {
    await using scene = await openScene(two(noon))
    expect((await scene.ask({ headers: { 'x-api-version': 'v2' } })).status).toBe(200)
  })
})

describe('a version that is unknown', () => {
  test.each([
    'v9',
    '',
    'V1',
    'v1 ',
    ' v1',
    'v01',
    '1',
    'constructor',
    '${jndi:ldap://x}',
    'v1, v1',
    'v1\u00e9',
  ])('%j is never shown again', async (version) => {
    await using scene = await openScene({ versions: { v1: { errors: validationErrors() } } })
    const answer = await scene.ask({ headers: { 'x-api-version': version } })
    await scene.over(1)
    const trimmed = version.trim()
    expect(answer.status).toBe(trimmed === 'v1' ? 200 : 422)
    expect(answer.field('x-api-version')).toBe(trimmed === 'v1' ? 'v1' : undefined)
    expect(JSON.stringify([answer.fields, scene.events])).not.toContain('jndi')
  })

  test('may be another default than v1', async () => {
    await using scene = await openScene({ versions: { v1: {}, v2: {} }, defaultVersion: 'v2' })
    expect((await scene.ask()).field('x-api-version')).toBe('v2')
  })
})
