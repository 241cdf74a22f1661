import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { Check } from '@sallyport/example-shared/check-service'
import { headersFor, refusal, sha256, type Service } from '@sallyport/example-shared/check-service'

/** What callers of one running service are answered, in the words of its contract. */
export const answers: readonly Check<Service>[] = [
  {
    title: 'a JWT downloads the large export, byte for byte',
    run: async (service) => {
      const response = await fetch(service.url, { headers: headersFor(service) })
      const file = await readFile(service.file)
      assert(file.length >= 50_000_000)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), 'application/json')
      assert.equal(sha256(new Uint8Array(await response.arrayBuffer())), sha256(file))
    },
  },
  {
    title: 'an opaque token downloads it too',
    run: async (service) => {
      const headers = headersFor(service, { authorization: `Bearer ${service.opaque}` })
      const response = await fetch(service.url, { headers })
      assert.equal(sha256(new Uint8Array(await response.arrayBuffer())), sha256(await readFile(service.file)))
    },
  },
  {
    title: 'refused: no token',
    run: async ({ url, organization }) => {
      const answer = await refusal(url, { headers: { 'x-org-name': organization } })
      assert.deepEqual(answer, [401, { detail: 'Not authenticated' }])
    },
  },
  {
    title: "refused: a token whose signature is not the issuer's",
    run: async (service) => {
      const [head, claims] = service.jwt.split('.')
      const forged = `Bearer ${head}.${claims}.${Buffer.alloc(256, 7).toString('base64url')}`
      const answer = await refusal(service.url, { headers: headersFor(service, { authorization: forged }) })
      assert.deepEqual(answer, [401, { detail: 'Could not validate credentials' }])
    },
  },
  {
    title: 'refused: an organization that the token does not name',
    run: async (service) => {
      const answer = await refusal(service.url, { headers: headersFor(service, { 'x-org-name': 'globex' }) })
      assert.deepEqual(answer, [403, { detail: 'Forbidden' }])
    },
  },
  {
    title: "refused: another organization's export, in the words for one that is not there",
    run: async (service) => {
      const { origin } = service
      const foreign = `${origin}/api/audit-logs/export/c3b7d915-80ef-4a26-b5c4-7e1f9a0d6b38/download`
      const missing = `${origin}/api/audit-logs/export/00000000-0000-4000-8000-000000000000/download`
      const there = join(dirname(service.file), '..', 'globex', 'c3b7d915-80ef-4a26-b5c4-7e1f9a0d6b38.jsonl')
      const headers = headersFor(service)
      assert(existsSync(there))
      assert.deepEqual(await refusal(foreign, { headers }), [404, { detail: 'Not Found' }])
      assert.deepEqual(await refusal(missing, { headers }), [404, { detail: 'Not Found' }])
    },
  },
  {
    title: 'refused: a malformed id and a missing organization, both named',
    run: async ({ origin, jwt }) => {
      const headers = { authorization: `Bearer ${jwt}` }
      const answer = await refusal(`${origin}/api/audit-logs/export/nope/download`, { headers })
      const detail = [
        {
          type: 'uuid_parsing',
          loc: ['path', 'job_id'],
          msg: 'Input should be a valid UUID, invalid character: found `n` at 1',
        },
        { type: 'missing', loc: ['header', 'X-Org-Name'], msg: 'Field required' },
      ]
      assert.deepEqual(answer, [422, { detail }])
    },
  },
  {
    title: 'refused: another method',
    run: async (service) => {
      const answer = await refusal(service.url, { method: 'POST', headers: headersFor(service), body: 'x' })
      assert.deepEqual(answer, [405, { detail: 'Method Not Allowed' }])
    },
  },
  {
    title: 'refused: a range behind the end',
    run: async (service) => {
      const answer = await refusal(service.url, {
        headers: headersFor(service, { range: 'bytes=99999999-' }),
      })
      assert.deepEqual(answer, [416, { detail: 'Range Not Satisfiable' }])
    },
  },
]
