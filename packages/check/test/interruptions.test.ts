import { expect, onTestFinished, test } from 'vitest'

import { checkEndpoint } from '../src/check-endpoint.ts'
import {
  type Decide,
  decideRightly,
  ids,
  refuse,
  type Running,
  startServer,
  token,
} from './servers/export-server.ts'

async function serverOf(decide: Decide): Promise<Running> {
  const server = await startServer(decide)
  onTestFinished(() => server.close())
  return server
}

test('an aborted check sends nothing', async () => {
  const server = await serverOf(decideRightly())
  const check = checkEndpoint(server.url(ids.own), { token, signal: AbortSignal.abort(new Error('stop')) })
  await expect(check).rejects.toThrow('stop')
  expect(server.asked).toEqual([])
})

test('a check that waits for Retry-After can be aborted', async () => {
  const interrupt = new AbortController()
  const right = decideRightly()
  const server = await serverOf((asked) => {
    if (asked.nth < 4) return right(asked)
    setImmediate(() => interrupt.abort(new Error('stop')))
    return refuse(429, { 'retry-after': '100' })
  })
  const check = checkEndpoint(server.url(ids.own), { token, signal: interrupt.signal })
  await expect(check).rejects.toThrow(/stop|aborted/)
  expect(server.asked.length).toBe(4)
})

test('a response that never begins ends after timeoutMs', async () => {
  const right = decideRightly()
  const server = await serverOf((asked) =>
    asked.method === 'OPTIONS' ? { ...refuse(200), status: -1 } : right(asked),
  )
  const report = await checkEndpoint(server.url(ids.own), { token, timeoutMs: 1_000, profile: 'generic' })
  const failed = report.checks.filter(({ verdict }) => verdict === 'fail')
  expect(failed.map(({ id, detail }) => `${id}: ${detail}`)).toEqual([
    'framing.answered: 1 without a response; first: options (timed out)',
  ])
  expect(server.asked.filter(({ method }) => method === 'OPTIONS').length).toBe(1)
})
