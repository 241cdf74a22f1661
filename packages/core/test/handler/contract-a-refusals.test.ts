import { describe, expect, test } from 'vitest'

import type { ExportRecord } from '../../src/catalogue.ts'
import type { RateLimiter } from '../../src/ports.ts'
import { type Ask, stable } from './ask.ts'
import { openContractA, refused, seen } from './contract-a.ts'
import { content, ids, pathOf, readyRecord, type SceneOptions } from './scene.ts'

describe('A8 to A10', () => {
  const realm = 'Bearer realm="exports"'
  test.each([
    ['A8: no credentials', undefined, realm, 'Not authenticated'],
    ['A8: another scheme', 'Basic YW5uOmFubg==', realm, 'Not authenticated'],
    ['A8: an empty bearer token', 'Bearer ', realm, 'Not authenticated'],
    ['A8: a scheme alone', 'Bearer', realm, 'Not authenticated'],
    ['A8: a token without a scheme', 'ann', realm, 'Not authenticated'],
    [
      'A9: a token that proves nobody',
      'Bearer eve',
      `${realm}, error="invalid_token"`,
      'Could not validate credentials',
    ],
    [
      'A9: a malformed token',
      'Bearer a b',
      `${realm}, error="invalid_token"`,
      'Could not validate credentials',
    ],
  ])('%s', async (_, authorization, challenge, detail) => {
    await using scene = await openContractA()
    const answer = await scene.ask({ headers: { authorization } })
    expect(seen(answer)).toEqual(refused(401, detail))
    expect(answer.field('www-authenticate')).toBe(challenge)
  })

  test('A10: who is nobody is not told what else is wrong', async () => {
    await using scene = await openContractA({ detail: 'full' })
    const headers = { authorization: undefined, 'x-org-name': '', 'x-api-version': 'v9' }
    expect(seen(await scene.ask({ path: pathOf('nope'), headers }))).toEqual(
      refused(401, 'Not authenticated'),
    )
    expect(scene.calls).toEqual([])
  })
})

describe('A11', () => {
  const full: RateLimiter = {
    admit: async () => ({ admitted: false, left: [], by: 'principal', retryAfterMs: 5_001 }),
  }
  const stale = async (): Promise<ExportRecord> => ({ ...readyRecord, object: { size: 1 } })
  const broken = (): Promise<never> => Promise.reject(new Error('down'))

  test.each<[string, number, string, Partial<Ask>, SceneOptions]>([
    ['another organization', 403, 'Forbidden', { headers: { 'x-org-name': 'globex' } }, {}],
    ['no capability', 403, 'Forbidden', { headers: { authorization: 'Bearer idle' } }, {}],
    ['a missing export', 404, 'Not Found', { path: pathOf(ids.missing) }, {}],
    ["another organization's export", 404, 'Not Found', { path: pathOf(ids.foreign) }, {}],
    ['one that is not ready', 404, 'Not Found', { path: pathOf(ids.pending) }, {}],
    ['one that failed', 404, 'Not Found', { path: pathOf(ids.failed) }, {}],
    ['one that has expired', 404, 'Not Found', { path: pathOf(ids.expired) }, {}],
    ['one whose object is gone', 404, 'Not Found', { path: pathOf(ids.gone) }, {}],
    ['another method', 405, 'Method Not Allowed', { method: 'POST' }, {}],
    ['too much', 429, 'Too Many Requests', {}, { limits: { limiter: full } }],
    ['a store that contradicts the record', 502, 'Bad Gateway', {}, { findExport: stale }],
    ['a catalogue that fails', 503, 'Service Unavailable', {}, { findExport: broken }],
  ])('%s: %d', async (_, status, detail, request, changes) => {
    await using scene = await openContractA(changes)
    const answer = await scene.ask(request)
    expect(seen(answer)).toEqual(refused(status, detail))
    expect({
      allow: answer.field('allow'),
      waits: answer.field('retry-after') !== undefined,
    }).toEqual({
      allow: status === 405 ? 'GET, HEAD, OPTIONS' : undefined,
      waits: [429, 503].includes(status),
    })
  })

  test('Retry-After is whole seconds, never too early', async () => {
    await using scene = await openContractA({ limits: { limiter: full } })
    expect((await scene.ask()).field('retry-after')).toBe('6')
  })
})

test('A12: a bug is 500, and says nothing', async () => {
  const now = (): never => {
    throw new Error('clock')
  }
  await using scene = await openContractA({ now })
  expect(seen(await scene.ask())).toEqual(refused(500, 'Internal Server Error'))
})

describe('A13', () => {
  test('HEAD is answered like GET, without the body', async () => {
    await using scene = await openContractA()
    const [got, head] = [await scene.ask(), await scene.ask({ method: 'HEAD' })]
    expect(head.body).toBe('')
    expect(stable({ ...head, body: content })).toEqual(stable(got))
  })

  test('OPTIONS tells the methods and asks nobody', async () => {
    await using scene = await openContractA()
    const answer = await scene.ask({ method: 'OPTIONS', headers: { authorization: undefined } })
    expect(answer).toMatchObject({ status: 204, body: '' })
    expect(answer.field('allow')).toBe('GET, HEAD, OPTIONS')
    expect(scene.calls).toEqual([])
  })
})

test.each([`${ids.ready}%2F`, `${ids.ready}/`, ids.ready.toUpperCase()])(
  'A14: nothing is redirected: %s',
  async (id) => {
    await using scene = await openContractA()
    const { status, field } = await scene.ask({ path: pathOf(id) })
    expect([status, field('location')]).toEqual([id.includes('/') || id.includes('%') ? 422 : 200, undefined])
  },
)
