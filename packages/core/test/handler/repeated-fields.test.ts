import { describe, expect, test } from 'vitest'

import { content, openScene } from './scene.ts'

describe('a field that may stand once and stands twice spoils itself', () => {
  test.each([
    ['Authorization', ['Bearer ann', 'Bearer ann'], 401, 'token_invalid'],
    ['Authorization', ['Bearer ann', 'Bearer eve'], 401, 'token_invalid'],
    ['authorization', ['Bearer eve', 'Bearer ann'], 401, 'token_invalid'],
    ['Authorization', ['Basic YQ==', 'Bearer ann'], 401, 'token_missing'],
    ['Authorization', ['', 'Bearer ann'], 401, 'token_missing'],
    ['X-Org-Name', ['acme', 'acme'], 400, 'invalid_request'],
    ['X-Org-Name', ['acme', 'globex'], 400, 'invalid_request'],
    ['X-Org-Name', ['acme', ''], 400, 'invalid_request'],
    ['X-API-Version', ['v1', 'v1'], 400, 'invalid_request'],
    ['X-API-Version', ['v1', 'v2'], 400, 'invalid_request'],
  ])('%s: %j', async (name, values, status, kind) => {
    await using scene = await openScene({ versions: { v1: {}, v2: {} } })
    const answer = await scene.ask({ headers: { [name.toLowerCase()]: undefined, [name]: values } })
    await scene.over(1)
    expect(answer.status).toBe(status)
    expect(scene.ended()).toMatchObject([{ kind }])
    expect(scene.calls).toEqual(status === 401 ? [] : ['verifier'])
  })

  test('the challenge says that the request was wrong, not the token', async () => {
    await using scene = await openScene()
    const answer = await scene.ask({ headers: { authorization: ['Bearer ann', 'Bearer ann'] } })
    expect(answer.field('www-authenticate')).toBe('Bearer realm="exports", error="invalid_request"')
  })
})

describe('a repeated Range or If-Range is as if it were not sent', () => {
  test.each([[{ range: ['bytes=0-1', 'bytes=0-1'] }], [{ range: ['bytes=0-1', 'bytes=2-3'] }]])(
    '%j',
    async (headers) => {
      await using scene = await openScene()
      const answer = await scene.ask({ headers })
      expect(answer).toMatchObject({ status: 200, body: content })
    },
  )

  test('an If-Range that stands twice proves nothing: the whole is sent', async () => {
    await using scene = await openScene()
    const etag = (await scene.ask()).field('etag') ?? ''
    const range = 'bytes=0-1'
    expect((await scene.ask({ headers: { range, 'if-range': etag } })).status).toBe(206)
    expect((await scene.ask({ headers: { range, 'if-range': [etag, etag] } })).status).toBe(200)
  })
})

test('a condition that is a list may come in several lines', async () => {
  await using scene = await openScene()
  const etag = (await scene.ask()).field('etag') ?? ''
  expect((await scene.ask({ headers: { 'if-none-match': ['"other"', etag] } })).status).toBe(304)
})
