import { describe, expect, test } from 'vitest'

import { stable } from './ask.ts'
import { openContractA, refused, seen } from './contract-a.ts'
import { content, ids, pathOf, single } from './scene.ts'

const badId = {
  type: 'uuid_parsing',
  loc: ['path', 'job_id'],
  msg: 'Input should be a valid UUID, invalid character: found `n` at 1',
  input: 'nope',
  ctx: { error: 'invalid character: found `n` at 1' },
}
const missingOrg = { type: 'missing', loc: ['header', 'X-Org-Name'], msg: 'Field required', input: null }
const badOrg = (type: string, msg: string, input: string, ctx: object): object => ({
  type,
  loc: ['header', 'X-Org-Name'],
  msg,
  input,
  ctx,
})
const emptyOrg = badOrg('string_too_short', 'String should have at least 1 character', '', { min_length: 1 })
const longName = 'a'.repeat(65)
const longOrg = badOrg('string_too_long', 'String should have at most 64 characters', longName, {
  max_length: 64,
})
const pattern = '^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$'
const strangeOrg = badOrg('string_pattern_mismatch', `String should match pattern '${pattern}'`, 'a/b', {
  pattern,
})
const unknownVersion = {
  type: 'enum',
  loc: ['header', 'X-API-Version'],
  msg: "Input should be 'v1' or 'v2'",
  input: 'v9',
  ctx: { expected: "'v1' or 'v2'" },
}
const nope = { path: pathOf('nope') }
const without = (name: string): object => ({ headers: { [name]: undefined } })

describe('A1', () => {
  test('a download is the bytes as they are, typed as the contract says', async () => {
    await using scene = await openContractA()
    const answer = await scene.ask()
    expect(answer).toMatchObject({ status: 200, body: content, whole: true })
    expect(
      answer.fields.filter(([name]) => !['Date', 'ETag', 'Last-Modified', 'X-Request-Id'].includes(name)),
    ).toEqual([
      ['Vary', 'X-Org-Name, X-API-Version'],
      ['X-Content-Type-Options', 'nosniff'],
      ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; sandbox"],
      ['Cross-Origin-Resource-Policy', 'same-origin'],
      ['Referrer-Policy', 'no-referrer'],
      ['X-Frame-Options', 'DENY'],
      ['X-API-Version', 'v1'],
      ['RateLimit-Policy', '"principal";q=60;w=60'],
      ['RateLimit', '"principal";r=59;t=1'],
      ['Cache-Control', 'private, no-store, no-transform'],
      ['Accept-Ranges', 'bytes'],
      ['X-Accel-Buffering', 'no'],
      ['Content-Disposition', `attachment; filename="export-${ids.ready}.jsonl"`],
      ['Content-Type', 'application/json'],
      ['Content-Length', String(content.length)],
      ['Connection', 'close'],
    ])
    await scene.over(1)
    expect(scene.ended()).toMatchObject([
      { outcome: 'completed', status: 200, attempts: 1, bytesSent: content.length },
    ])
  })

  test('an upper-case id names the same export', async () => {
    await using scene = await openContractA()
    expect(await scene.ask({ path: pathOf(ids.ready.toUpperCase()) })).toMatchObject({
      status: 200,
      body: content,
    })
    await scene.over(1)
    expect(scene.ended()).toMatchObject([{ exportId: ids.ready }])
  })

  test('an export of 0 bytes is a body of 0 bytes', async () => {
    await using scene = await openContractA()
    const answer = await scene.ask({ path: pathOf(ids.empty) })
    expect(answer).toMatchObject({ status: 200, body: '', whole: true })
    expect(answer.field('content-length')).toBe('0')
  })
})

describe.each(['brief', 'full'] as const)('in %s detail', (detail) => {
  const items = (...faults: readonly object[]): object =>
    refused(
      422,
      detail === 'full'
        ? faults
        : faults.map(({ type, loc, msg }: Partial<typeof badId>) => ({ type, loc, msg })),
    )

  test.each([
    ['A2: a malformed id', nope, [badId]],
    ['A3: no X-Org-Name', without('x-org-name'), [missingOrg]],
    ['A4: an empty one', { headers: { 'x-org-name': '' } }, [emptyOrg]],
    ['A4: one too long', { headers: { 'x-org-name': longName } }, [longOrg]],
    ['A4: one of other characters', { headers: { 'x-org-name': 'a/b' } }, [strangeOrg]],
    ['A6: a version unknown', { headers: { 'x-api-version': 'v9' } }, [unknownVersion]],
    ['A7: id and org', { ...nope, ...without('x-org-name') }, [badId, missingOrg]],
    ['A7: id and version', { ...nope, headers: { 'x-api-version': 'v9' } }, [badId, unknownVersion]],
    [
      'A7: org and version',
      { headers: { 'x-org-name': '', 'x-api-version': 'v9' } },
      [emptyOrg, unknownVersion],
    ],
    [
      'A7: all',
      { ...nope, headers: { 'x-org-name': 'a/b', 'x-api-version': 'v9' } },
      [badId, strangeOrg, unknownVersion],
    ],
  ])('%s', async (_, request, faults) => {
    await using scene = await openContractA({ detail })
    expect(seen(await scene.ask(request))).toEqual(items(...faults))
    expect(scene.calls).toEqual(['verifier'])
  })

  test('input is cut to 128 characters', async () => {
    await using scene = await openContractA({ detail })
    const [long, msg] = ['n'.repeat(200), 'Input should be a valid UUID, invalid character: found `n` at 1']
    const item = { ...badId, msg, input: long.slice(0, 128) }
    expect(seen(await scene.ask({ path: pathOf(long) }))).toEqual(items(item))
  })
})

describe('A2: what is wrong with an id', () => {
  const simple = ids.ready.replaceAll('-', '')
  test.each([
    ['nope', 'invalid character: found `n` at 1'],
    ['%C3%A9', 'invalid character: found `é` at 1'],
    ['%2e%2e%2f%2e%2e%2fetc', 'invalid character: found `.` at 1'],
    [`${ids.ready}%00`, 'invalid character: found `\0` at 37'],
    [`${ids.ready}%20`, 'invalid character: found ` ` at 37'],
    [simple, 'invalid group count: expected 5, found 1'],
    [simple.slice(1), 'invalid length: expected length 32 for simple format, found 31'],
    [ids.ready.replace('-', ''), 'invalid group count: expected 5, found 4'],
    [`0${ids.ready}`, 'invalid group length in group 0: expected 8, found 9'],
    [`${ids.ready}0`, 'invalid group length in group 4: expected 12, found 13'],
    [`%7B${ids.ready}%7D`, 'invalid UUID format'],
    [`urn:uuid:${ids.ready}`, 'invalid UUID format'],
    ['00000000-0000-0000-0000-000000000000', 'invalid UUID format'],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff', 'invalid UUID format'],
  ])('%s', async (segment, fault) => {
    await using scene = await openContractA()
    const msg = `Input should be a valid UUID, ${fault}`
    const item = { type: 'uuid_parsing', loc: ['path', 'job_id'], msg }
    expect(seen(await scene.ask({ path: pathOf(segment) }))).toEqual(refused(422, [item]))
    expect(scene.calls).toEqual(['verifier'])
  })
})

describe('A3: in a single tenancy', () => {
  test('X-Org-Name may be left out', async () => {
    await using scene = await openContractA({ tenancy: single })
    expect(await scene.ask(without('x-org-name'))).toMatchObject({ status: 200, body: content })
  })
})

describe('A5', () => {
  test('no X-API-Version is v1', async () => {
    await using scene = await openContractA({ tenancy: single })
    const [absent, named] = [await scene.ask(), await scene.ask({ headers: { 'x-api-version': 'v1' } })]
    expect(absent.field('x-api-version')).toBe('v1')
    expect(stable(absent)).toEqual(stable(named))
  })

  test('another version names itself', async () => {
    await using scene = await openContractA()
    expect((await scene.ask({ headers: { 'x-api-version': 'v2' } })).field('x-api-version')).toBe('v2')
  })
})
