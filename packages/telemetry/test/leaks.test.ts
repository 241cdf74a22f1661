import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { ExportStore, TokenVerifier } from '@sallyport/core'
import { refuse } from '@sallyport/core'
import { createChaosStore, createLeakScanner } from '@sallyport/core/testing'
import type { Fault } from '@sallyport/core/testing'
import { expect, test } from 'vitest'

import { createReader } from './reader.ts'
import { holding, openScene, optionsOf } from './scene.ts'
import { startTracing } from './tracing.ts'

const tracing = startTracing()
const does = ['cut', 'throw', 'short', 'overrun', 'change'] as const
const throwing = (): ExportStore => ({ ...holding(), get: async () => refuse('upstream_error') })

test('no span, metric or log record holds a secret of the store, a token or a ticket', async () => {
  const scanner = createLeakScanner()
  const { provider, read } = createReader()
  const exporter = new InMemoryLogRecordExporter()
  const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  const stores = [
    ...does.map((what) => {
      const faults: Fault[] = [{ does: what, atByte: 200_000, times: 99 }]
      return createChaosStore(holding(), { faults })
    }),
    createChaosStore(holding(), { faults: [{ does: 'throw', atByte: 0, times: 99 }] }),
    throwing(),
    holding(),
  ]
  const token = 'secret-token-of-ann'
  for (const store of stores) {
    const delivery = { resume: { attempts: 1, withinMs: 1_000 }, storeSilenceMs: 200 }
    const { verify } = optionsOf(store).verifier
    const verifier: TokenVerifier = { verify: async (_, signal) => verify('ann', signal) }
    await using scene = await openScene(optionsOf(scanner.plant(store), { delivery, verifier }), {
      meterProvider: provider,
      loggerProvider,
      tenantAttribute: true,
      exportAttribute: true,
    })
    const headers = { authorization: `Bearer ${token}` }
    await scene.read({ headers })
    await scene.read({ headers, method: 'HEAD' })
    const issued = await scene.ask({ headers, method: 'POST', path: scene.ticketPath })
    const { url } = JSON.parse(Buffer.concat(await issued.toArray()).toString()) as { url: string }
    await scene.read({ path: url, headers: { authorization: '' } })
    await scene.handler.drain({ withinMs: 5_000 })
  }
  const spans = tracing
    .spans()
    .map(({ name, attributes, status, events, links }) => [name, attributes, status, events, links])
  const logs = exporter
    .getFinishedLogRecords()
    .map(({ eventName, attributes, body }) => [eventName, attributes, body])
  expect([spans.length > 60, logs.length > 30]).toEqual([true, true])
  const seen = [spans, logs, await read()]
  expect(scanner.find(seen)).toEqual([])
  expect(JSON.stringify(seen)).not.toContain(token)
})
