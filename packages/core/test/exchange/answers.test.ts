import { describe, expect, test } from 'vitest'

import { commonHeaders, plainAnswer, refusalAnswer, type RefusalTerms } from '../../src/exchange/refuse.ts'
import type { Refusal, RefusalDetail } from '../../src/refusals.ts'
import type { ExportResponse } from '../../src/request-response.ts'

const seen: Refusal[] = []
const terms: RefusalTerms = {
  route: 'download',
  method: 'GET',
  requestId: 'r-1',
  errors: (refusal) => {
    seen.push(refusal)
    return { status: refusal.status, contentType: 'text/plain', body: `${refusal.kind} ü` }
  },
  capability: 'exports:download',
  headers: { ...commonHeaders, 'X-Request-Id': 'r-1' },
  random: () => 0,
}
const answer = (detail: RefusalDetail, changes: Partial<RefusalTerms> = {}): ExportResponse =>
  refusalAnswer(detail, { ...terms, ...changes })
const shownTo = (detail: RefusalDetail): Refusal | undefined => {
  answer(detail)
  return seen.at(-1)
}
async function textOf({ body }: ExportResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('a refusal', () => {
  test('is the body of the format under the fields of the core', async () => {
    const refused = answer({ kind: 'export_not_found' })
    expect(refused).toMatchObject({
      status: 404,
      headers: {
        ...commonHeaders,
        'X-Request-Id': 'r-1',
        'Cache-Control': 'no-store',
        'Content-Type': 'text/plain',
        'Content-Length': '19',
      },
    })
    expect(refused.body?.length).toBe(19)
    expect(await textOf(refused)).toBe('export_not_found ü')
  })

  test('of HEAD has no body, and the same fields', () => {
    const { headers } = answer({ kind: 'export_not_found' })
    expect(answer({ kind: 'export_not_found' }, { method: 'HEAD' })).toEqual({ status: 404, headers })
  })

  test('shows the format nothing of the inside', () => {
    const trouble = 'store_cut'
    expect(
      shownTo({ kind: 'range_not_satisfiable', size: 5, trouble, challenge: 'invalid_request' }),
    ).toEqual({
      kind: 'range_not_satisfiable',
      status: 416,
      requestId: 'r-1',
    })
  })

  test('shows the format what the caller has to mend, and how long to wait', () => {
    const fields = [{ part: 'export_id', in: 'path', name: 'id', rule: 'uuid', input: null }] as const
    expect(shownTo({ kind: 'invalid_request', fields })).toMatchObject({ fields })
    expect(shownTo({ kind: 'rate_limited', retryAfterMs: 5_001 })).toMatchObject({ retryAfterMs: 5_001 })
  })

  test('may have another status of the format', () => {
    const errors = (): ReturnType<RefusalTerms['errors']> => ({
      status: 422,
      contentType: 'text/plain',
      body: '',
    })
    expect(answer({ kind: 'invalid_request' }, { errors })).toMatchObject({
      status: 422,
      headers: { 'Content-Length': '0' },
    })
  })
})

describe('Retry-After', () => {
  test.each([
    [{ kind: 'rate_limited', retryAfterMs: 5_000 }, 0, '5'],
    [{ kind: 'rate_limited', retryAfterMs: 5_001 }, 0, '6'],
    [{ kind: 'too_many_downloads', retryAfterMs: 1 }, 0, '1'],
    [{ kind: 'unavailable' }, 0, '5'],
    [{ kind: 'unavailable' }, 0.999_999, '20'],
    [{ kind: 'object_changed' }, 0.5, '13'],
    [{ kind: 'unavailable', retryAfterMs: 61_000 }, 0, '61'],
    [{ kind: 'rate_limited' }, 0, undefined],
    [{ kind: 'upstream_error' }, 0, undefined],
    [{ kind: 'internal' }, 0, undefined],
  ] as const)('%j, by chance %d: %s', (detail, chance, expected) => {
    expect(answer(detail, { random: () => chance }).headers['Retry-After']).toBe(expected)
  })
})

describe('what to do about it', () => {
  const bearer = 'Bearer realm="exports"'
  const insufficient = `${bearer}, error="insufficient_scope", scope="exports:download"`

  test.each<[RefusalDetail, Record<string, string>]>([
    [{ kind: 'token_missing' }, { 'WWW-Authenticate': bearer }],
    [{ kind: 'token_invalid' }, { 'WWW-Authenticate': `${bearer}, error="invalid_token"` }],
    [
      { kind: 'token_invalid', challenge: 'invalid_request' },
      { 'WWW-Authenticate': `${bearer}, error="invalid_request"` },
    ],
    [{ kind: 'capability_missing' }, { 'WWW-Authenticate': insufficient }],
    [{ kind: 'scope_missing' }, { 'WWW-Authenticate': insufficient }],
    [{ kind: 'tenant_forbidden' }, {}],
    [{ kind: 'method_not_allowed' }, { Allow: 'GET, HEAD, OPTIONS' }],
    [
      { kind: 'range_not_satisfiable', size: 5 },
      { 'Content-Range': 'bytes */5', 'Accept-Ranges': 'bytes' },
    ],
    [{ kind: 'range_not_satisfiable' }, {}],
    [{ kind: 'export_not_found' }, {}],
  ])('%j', (detail, expected) => {
    const { headers } = answer(detail)
    const names = new Set(['WWW-Authenticate', 'Allow', 'Content-Range', 'Accept-Ranges'])
    expect(Object.fromEntries(Object.entries(headers).filter(([name]) => names.has(name)))).toEqual(expected)
  })
})

describe('a format that gives no answer throws', () => {
  test.each([
    undefined,
    null,
    {},
    { status: 200, contentType: 'a/b', body: '' },
    { status: 302, contentType: 'a/b', body: '' },
    { status: 600, contentType: 'a/b', body: '' },
    { status: 404.5, contentType: 'a/b', body: '' },
    { status: '404', contentType: 'a/b', body: '' },
    { status: 404, contentType: undefined, body: '' },
    { status: 404, contentType: '', body: '' },
    { status: 404, contentType: 'a/b\nX: y', body: '' },
    { status: 404, contentType: 'a/b', body: undefined },
    { status: 404, contentType: 'a/b', body: Buffer.from('x') },
  ])('%j', (rendered) => {
    expect(() => answer({ kind: 'internal' }, { errors: () => rendered as never })).toThrow(TypeError)
  })

  test('and is answered plainly', async () => {
    const plain = plainAnswer(terms)
    expect(plain).toMatchObject({
      status: 500,
      headers: {
        ...commonHeaders,
        'Cache-Control': 'no-store',
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Length': '21',
      },
    })
    expect(await textOf(plain)).toBe('Internal Server Error')
    expect(plainAnswer({ ...terms, method: 'HEAD' }).body).toBeUndefined()
  })
})
