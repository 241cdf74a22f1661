import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { Check } from '@sallyport/example-shared/check-service'
import { headersFor, refusal, sha256, type Service } from '@sallyport/example-shared/check-service'

const seeded = {
  json: '7e52b8c1-04fd-4a96-b3d8-2c6f9a1e5d07',
  foreign: 'b9f4170e-6d83-4c2a-9e51-80a3c7d25f16',
  nobodys: '00000000-0000-4000-8000-000000000000',
}
const urlOf = ({ origin }: Service, id: string): string =>
  `${origin}/user-action-audit-exports/${id}/download`

const unauthorized = { code: 'unauthorized', message: 'Authentication required.' }
const invalid = { code: 'invalid_request', message: 'The request is invalid.' }
const notFound = {
  code: 'export_not_found',
  details: { reason: 'export_not_found' },
  message: 'The audit export file is not available for download.',
}

/** What callers of one running service are answered, in the words of its contract. */
export const answers: readonly Check<Service>[] = [
  {
    title: 'a JWT downloads the large export, byte for byte',
    run: async (service) => {
      const response = await fetch(service.url, { headers: headersFor(service) })
      const file = await readFile(service.file)
      assert(file.length >= 20_000_000)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), 'text/csv; charset=utf-8')
      assert.match(
        response.headers.get('content-disposition') ?? '',
        /^attachment; filename="export-.+\.csv"$/,
      )
      assert.equal(response.headers.get('x-api-version'), 'v1')
      assert.equal(sha256(new Uint8Array(await response.arrayBuffer())), sha256(file))
    },
  },
  {
    title: 'an opaque token downloads the JSON export',
    run: async (service) => {
      const headers = headersFor(service, { authorization: `Bearer ${service.opaque}` })
      const response = await fetch(urlOf(service, seeded.json), { headers })
      assert.equal(response.headers.get('content-type'), 'application/json')
      assert.equal(((await response.json()) as unknown[]).length, 40)
    },
  },
  {
    title: 'refused: no token',
    run: async ({ url, organization }) => {
      const answer = await refusal(url, { headers: { 'x-org-name': organization } })
      assert.deepEqual(answer, [401, unauthorized])
    },
  },
  {
    title: "refused: a token whose signature is not the issuer's",
    run: async (service) => {
      const [head, claims] = service.jwt.split('.')
      const forged = `Bearer ${head}.${claims}.${Buffer.alloc(256, 7).toString('base64url')}`
      const answer = await refusal(service.url, { headers: headersFor(service, { authorization: forged }) })
      assert.deepEqual(answer, [401, unauthorized])
    },
  },
  {
    title: 'refused: an organization that the token does not name',
    run: async (service) => {
      const answer = await refusal(service.url, { headers: headersFor(service, { 'x-org-name': 'globex' }) })
      const body = {
        code: 'forbidden_capability_scope',
        details: { reason: 'missing_scope' },
        message: 'The resource is outside the permitted scope.',
      }
      assert.deepEqual(answer, [403, body])
    },
  },
  {
    title: "refused: another organization's export, in the words for one that is not there",
    run: async (service) => {
      const headers = headersFor(service)
      assert(existsSync(join(dirname(service.file), '..', 'globex', `${seeded.foreign}.csv`)))
      assert.deepEqual(await refusal(urlOf(service, seeded.foreign), { headers }), [404, notFound])
      assert.deepEqual(await refusal(urlOf(service, seeded.nobodys), { headers }), [404, notFound])
    },
  },
  {
    title: 'refused: a malformed id, a path that cannot be decoded, no organization',
    run: async (service) => {
      const headers = headersFor(service)
      const authorization = `Bearer ${service.jwt}`
      assert.deepEqual(await refusal(urlOf(service, 'nope'), { headers }), [400, invalid])
      assert.deepEqual(await refusal(urlOf(service, '%zz'), { headers }), [400, invalid])
      assert.deepEqual(await refusal(service.url, { headers: { authorization } }), [400, invalid])
    },
  },
  {
    title: 'refused: a version that does not exist',
    run: async (service) => {
      const headers = headersFor(service, { 'x-api-version': 'v9' })
      const body = { ...invalid, details: { reason: 'unsupported_api_version' } }
      assert.deepEqual(await refusal(service.url, { headers }), [400, body])
    },
  },
  {
    title: 'refused: another method',
    run: async (service) => {
      const [status, body] = await refusal(service.url, {
        method: 'POST',
        headers: headersFor(service),
        body: 'x',
      })
      assert.equal(status, 405)
      assert.deepEqual(body, { code: 'method_not_allowed', message: 'The method is not allowed here.' })
    },
  },
  {
    title: 'refused: a range behind the end',
    run: async (service) => {
      const headers = headersFor(service, { range: 'bytes=99999999-' })
      assert.equal((await refusal(service.url, { headers }))[0], 416)
    },
  },
  {
    title: 'what is no route is 404, in JSON too',
    run: async ({ url, origin }) => {
      const body = { code: 'not_found', message: 'There is nothing here.' }
      for (const path of [`${origin}/x`, `${url}/`, `${url}/x.css`, url.replace('download', 'Download')]) {
        assert.deepEqual(await refusal(path, {}), [404, body])
      }
    },
  },
]
