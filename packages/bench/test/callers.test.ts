import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createJwtVerifier } from '@sallyport/core'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { callerOf, subjectName, tenantName, writeJwtCallers, writeOpaqueCallers } from '../src/callers.ts'
import { openRequests } from '../src/requests.ts'
import type { Settings } from '../src/settings.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callers-'))
})
afterAll(() => rm(folder, { recursive: true }))

const settings: Settings = {
  root: '',
  organization: 'acme',
  issuer: 'https://issuer.test',
  audience: 'exports',
  jwksUri: '',
  publicKey: '',
}
const tokenOf = (request: string | Uint8Array): string =>
  /^Authorization: Bearer (.*)\r$/m.exec(String(request))?.[1] ?? ''

test('opaque tokens tell their caller, who comes again when all have come', async () => {
  const callers = await writeOpaqueCallers(folder, 20)
  const requestAt = await openRequests(callers.requests(10))
  const asked = [0, 1, 9, 10].map((turn) => requestAt(turn))
  expect(asked.map((request) => callerOf(tokenOf(request)))).toEqual([0, 1, 9, 0])
  expect(asked.map(String)).toEqual([
    expect.stringContaining(`X-Org-Name: ${tenantName(0)}\r\n`),
    expect.stringContaining(`X-Org-Name: ${tenantName(1)}\r\n`),
    expect.stringContaining(`X-Org-Name: ${tenantName(9)}\r\n`),
    expect.stringContaining(`X-Org-Name: ${tenantName(0)}\r\n`),
  ])
})

test.each(['', 'opaque', 'opaque.short.0000001', `opaque.${'a'.repeat(28)}.1`])('%j is nobody', (token) => {
  expect(callerOf(token)).toBeUndefined()
})

test('access tokens are verified by the key that goes with them', async () => {
  const callers = await writeJwtCallers(settings, folder, 3)
  const requestAt = await openRequests(callers.requests(3))
  const { issuer, audience } = settings
  const { verify } = createJwtVerifier({ issuer, audience, jwks: callers.settings.jwks, type: 'at+jwt' })
  const { subject, organizations } = await verify(tokenOf(requestAt(2)), new AbortController().signal)
  expect({ subject, organizations }).toEqual({ subject: subjectName(2), organizations: [tenantName(2)] })
})

test('a file that holds fewer requests than asked for is refused', async () => {
  const callers = await writeOpaqueCallers(folder, 2)
  await expect(openRequests(callers.requests(3))).rejects.toThrow('fewer than 3')
})
