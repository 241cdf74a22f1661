import { describe, expect, test } from 'vitest'

import { codedErrors } from '../../src/error-formats/coded-errors.ts'
import { problemDetails } from '../../src/error-formats/problem-details.ts'
import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import { statusOf } from '../../src/refusals.ts'
import type { Answer } from './ask.ts'
import { type Row, rows } from './refusal-table.ts'
import { openScene, type Scene } from './scene.ts'

const versions = {
  v1: { errors: validationErrors() },
  v2: { errors: codedErrors() },
  v3: { errors: problemDetails() },
}

/** Status, type and body of a row in each look. */
const looks = {
  v1: ({ status, detail }: Row) => ({
    status: status === 400 ? 422 : status,
    type: 'application/json',
    body: { detail },
  }),
  v2: ({ status, coded }: Row) => ({ status, type: 'application/json', body: coded }),
  v3: ({ status, problem }: Row) => ({
    status,
    type: 'application/problem+json',
    body: { type: 'about:blank', status, ...problem },
  }),
}

/** On every answer, whatever its status. */
const everywhere = {
  'Cache-Control': 'no-store',
  Vary: 'X-Org-Name, X-API-Version',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
}

/** Fields of a few kinds alone. */
const special = [
  'WWW-Authenticate',
  'Allow',
  'Retry-After',
  'Content-Range',
  'Accept-Ranges',
  'Location',
  'ETag',
]
const fieldsOf = ({ field }: Answer, names: readonly string[]): object =>
  Object.fromEntries(names.flatMap((name) => (field(name) === undefined ? [] : [[name, field(name)]])))

const specialOf = (answer: Answer): object => ({
  ...fieldsOf(answer, special),
  ...(answer.status === 503 &&
    /^(?:[5-9]|1\d|20)$/.test(answer.field('retry-after') ?? '') && { 'Retry-After': 'soon' }),
})

const open = ({ changes, request }: Row, version: string): Promise<{ scene: Scene; headers: object }> =>
  openScene({ versions, ...changes }).then((scene) => ({
    scene,
    headers: { ...request.headers, 'x-api-version': version },
  }))

test('every kind has its row', () => {
  expect(rows.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(statusOf).toSorted())
})

describe.each(['v1', 'v2', 'v3'] as const)('in the look of %s', (version) => {
  test.each(rows)('$kind', async (row) => {
    const { scene, headers } = await open(row, version)
    await using _ = scene
    const answer = await scene.ask({ ...row.request, headers: { ...headers } })
    await scene.over(1)
    const { status, field, body, whole } = answer
    expect({ status, type: field('content-type'), body: JSON.parse(body) as unknown }).toEqual(
      looks[version](row),
    )
    expect(whole).toBe(true)
    expect(fieldsOf(answer, Object.keys(everywhere))).toEqual(everywhere)
    expect(specialOf(answer)).toEqual(row.fields ?? {})
    expect(field('x-api-version')).toBe(version)
    expect(scene.ended()).toMatchObject([
      { kind: row.kind, status, requestId: field('x-request-id'), version },
    ])
  })
})

describe('HEAD has the same fields and no body', () => {
  const otherwise = new Set(['method_not_allowed', 'range_not_satisfiable', 'object_changed'])
  const answerable = rows.filter(({ kind }) => !otherwise.has(kind))

  test.each(answerable)('$kind', async (row) => {
    const { scene, headers } = await open(row, 'v2')
    await using _ = scene
    const got = await scene.ask({ ...row.request, headers: { ...headers } })
    const head = await scene.ask({ ...row.request, headers: { ...headers }, method: 'HEAD' })
    const comparable = ({ status, fields }: Answer): object => ({
      status,
      fields: fields.map(([name, value]) =>
        ['Date', 'X-Request-Id', 'RateLimit', 'Retry-After'].includes(name) ? [name] : [name, value],
      ),
    })
    expect(comparable(head)).toEqual(comparable(got))
    expect(head.body).toBe('')
    expect(Number(head.field('content-length'))).toBe(Buffer.byteLength(got.body))
  })
})

describe('security fields stand on answers that are no refusals too', () => {
  const { 'Cache-Control': _, ...always } = everywhere

  test.each([
    [200, {}],
    [204, { method: 'OPTIONS' }],
    [206, { headers: { range: 'bytes=0-1' } }],
    [304, { headers: { 'if-none-match': '*' } }],
  ])('%d', async (status, request) => {
    await using scene = await openScene()
    const answer = await scene.ask(request)
    expect(answer.status).toBe(status)
    expect(fieldsOf(answer, Object.keys(always))).toEqual(always)
    expect(answer.field('cache-control')).toMatch(/no-store/)
    expect(answer.field('x-powered-by')).toBeUndefined()
  })
})

describe('X-Request-Id', () => {
  test.each(['abc', 'A.b-c_9', 'a'.repeat(64)])('of the caller is kept: %s', async (id) => {
    await using scene = await openScene()
    expect((await scene.ask({ headers: { 'x-request-id': id } })).field('x-request-id')).toBe(id)
  })

  test.each([['a b'], ['a'.repeat(65)], [''], ['${jndi:ldap://x}'], [['one', 'two']]])(
    'that could be used against a log is replaced: %s',
    async (id) => {
      await using scene = await openScene()
      const answer = await scene.ask({ headers: { 'x-request-id': id } })
      expect(answer.field('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    },
  )
})
