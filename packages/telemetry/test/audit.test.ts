import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

import type { DownloadEnded, Outcome, RequestEnded } from '@sallyport/core'
import { refuse } from '@sallyport/core'
import { createLeakScanner } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { statusOf } from '../../core/src/refusals.ts'
import { toCloudEvent, toEcs, toOcsf } from '../src/audit.ts'
import type { RequestEvent } from '../src/audit.ts'
import { holding, openScene, optionsOf } from './scene.ts'

const at = new Date('2026-05-04T03:02:01.234Z')
const product = { name: 'exports', vendor_name: 'Acme' }

const outcomes: Record<Outcome, true> = {
  completed: true,
  refused: true,
  client_aborted: true,
  client_too_slow: true,
  lifetime_over: true,
  shut_down: true,
  cut: true,
  store_cut: true,
  store_stalled: true,
  store_too_slow: true,
  store_overran: true,
  store_wrong: true,
  object_changed: true,
  failed: true,
}
const request = {
  id: '7b0f6d0c-5f0e-4d0b-9b7a-3f1f5f0b7c11',
  requestId: 'trace-me',
  method: 'GET',
  status: 200,
  address: '2001:db8::7',
  version: 'v1',
  via: 'token',
  principal: { issuer: 'https://issuer.test', subject: 'ann' },
  tenantId: '17',
  exportId: '0f0e0d0c-0b0a-4908-8706-050403020100',
  attempts: 1,
} as const
const sent = { ranges: [], bytesPromised: 400, bytesSent: 300, firstByteMs: 4.25, durationMs: 1234.5 }
const bare = { id: request.id, requestId: 'r', method: 'BREW', status: 401, attempts: 0, durationMs: 0.4 }

const endings: readonly RequestEvent[] = [
  ...Object.keys(outcomes).flatMap((outcome): RequestEvent[] => [
    { type: 'download_ended', ...request, ...sent, outcome } as DownloadEnded,
    { type: 'request_ended', ...request, durationMs: 2, outcome } as RequestEnded,
  ]),
  ...Object.keys(statusOf).map((kind) =>
    Object.assign({ type: 'request_ended', kind } as RequestEnded, bare, {
      outcome: 'refused',
      suppressed: 3,
    }),
  ),
]
const { bytesSent: _, firstByteMs: __, durationMs: ___, ...promised } = sent
const all: readonly RequestEvent[] = [
  ...endings,
  { type: 'download_started', ...request, ...promised },
  {
    type: 'ticket_issued',
    ...request,
    ticketId: 'ticket-1',
    expiresAt: new Date('2026-05-04T03:12:01.234Z'),
  },
]
const titled = all.map(
  (event) =>
    [
      `${event.type} ${'outcome' in event ? event.outcome : ''} ${'kind' in event ? event.kind : ''}`,
      event,
    ] as const,
)

// ── OCSF: an excerpt of the schema 1.6.0 that the project publishes, with every required attribute. ──────────────────

interface OcsfAttribute {
  readonly type: string
  readonly required?: true
  readonly values?: readonly (string | number)[]
}
interface OcsfObject {
  readonly attributes: Readonly<Record<string, OcsfAttribute>>
  readonly atLeastOne?: readonly string[]
}
const schema = JSON.parse(await readFile(new URL('ocsf-1.6.0-excerpt.json', import.meta.url), 'utf8')) as {
  readonly class: OcsfObject
  readonly objects: Readonly<Record<string, OcsfObject>>
}

/** What is wrong with a value, as the schema says. */
function faultsOf(path: string, value: unknown, { attributes, atLeastOne }: OcsfObject): readonly string[] {
  const given = Object.entries(value as Record<string, unknown>)
  const names = new Set(given.map(([name]) => name))
  const missing = Object.entries(attributes).filter(([name, { required }]) => required && !names.has(name))
  return [
    ...missing.map(([name]) => `${path}.${name} is missing`),
    ...(atLeastOne && !atLeastOne.some((name) => names.has(name))
      ? [`${path} has none of ${String(atLeastOne)}`]
      : []),
    ...given.flatMap(([name, one]) => {
      const attribute = attributes[name]
      return attribute
        ? wrongValue(`${path}.${name}`, one, attribute)
        : [`${path}.${name} is not in the schema`]
    }),
  ]
}

function wrongValue(path: string, value: unknown, { type, values }: OcsfAttribute): readonly string[] {
  const object = schema.objects[type]
  if (object) return faultsOf(path, value, object)
  const isRight =
    type === 'string_t'
      ? typeof value === 'string' && value !== ''
      : type === 'ip_t'
        ? typeof value === 'string' && isIP(value) !== 0
        : Number.isSafeInteger(value)
  if (!isRight) return [`${path} is no ${type}: ${String(value)}`]
  return values && !values.includes(value as string) ? [`${path} is none of ${String(values)}`] : []
}

describe('toOcsf', () => {
  test('the validator finds faults', () => {
    const { actor: ___, ...event } = toOcsf(all[0] as RequestEvent, product, at)
    const wrong = {
      ...event,
      severity_id: 7,
      file: { uid: 'x', type_id: 1 },
      extra: 1,
      src_endpoint: {},
      time: 1.5,
    }
    expect(faultsOf('event', wrong, schema.class)).toHaveLength(6)
  })

  test.each(titled)('%s is valid', (_, event) => {
    const row = toOcsf(event, product, at)
    expect(faultsOf('event', row, schema.class)).toEqual([])
    expect(row.type_uid).toBe(row.class_uid * 100 + row.activity_id)
  })

  test('a completed download', () => {
    expect(toOcsf(all[0] as RequestEvent, product, at)).toEqual({
      activity_id: 2,
      category_uid: 6,
      class_uid: 6006,
      type_uid: 600_602,
      time: at.getTime(),
      severity_id: 1,
      status_id: 1,
      status_code: '200',
      status_detail: 'completed',
      duration: 1235,
      count: 1,
      metadata: {
        version: '1.6.0',
        product,
        uid: `${request.id}/download_ended`,
        correlation_uid: request.id,
        event_code: 'download_ended',
        tenant_uid: '17',
      },
      actor: { user: { uid: 'ann', domain: 'https://issuer.test' } },
      file: { name: request.exportId, uid: request.exportId, type_id: 1 },
      src_endpoint: { ip: '2001:db8::7' },
      http_request: { uid: 'trace-me', http_method: 'GET' },
      http_response: { code: 200, length: 300 },
    })
  })

  test('refusals are access checks that failed, and count what was suppressed', () => {
    const row = toOcsf(endings.at(-1) as RequestEvent, product, at)
    expect(row).toMatchObject({
      type_uid: 600_617,
      status_id: 2,
      count: 4,
      actor: { user: { name: 'anonymous' } },
    })
    expect(row.http_request).toEqual({ uid: 'r' }) // BREW is no method of the schema
  })
})

// ── CloudEvents 1.0, §3 Context attributes. ──────────────────────────────────────────────────────────────────────────

describe('toCloudEvent', () => {
  test.each(titled)('%s is valid', (_, event) => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const row = toCloudEvent(event, '/exports', { at, traceparent })
    // Attribute names: lower-case letters and digits. Values of the required ones: text that is not empty.
    expect(Object.keys(row).filter((name) => !/^[a-z0-9]+$/.test(name))).toEqual([])
    expect(row).toMatchObject({
      specversion: '1.0',
      source: '/exports',
      time: '2026-05-04T03:02:01.234Z',
      traceparent,
    })
    expect(row.type).toMatch(/^io\.github\.sallyport\.[a-z_]+$/)
    expect([row.id.length > 0, row.subject === '']).toEqual([true, false])
    expect(JSON.parse(JSON.stringify(row.data))).toMatchObject({ id: event.id, requestId: event.requestId })
  })

  test('the events of one request have ids of their own, and so has each trouble', () => {
    const trouble = { type: 'trouble', port: 'store', code: 'store_cut', id: request.id } as const
    const ids = [...all.slice(-2), trouble, trouble].map((event) => toCloudEvent(event, '/exports').id)
    expect(new Set(ids).size).toBe(4)
  })
})

// ── Elastic Common Schema 8.11. ──────────────────────────────────────────────────────────────────────────────────────

describe('toEcs', () => {
  test.each(titled)('%s is valid', (_, event) => {
    const row = toEcs(event, { at, traceId: '0af7651916cd43dd8448eb211c80319c' })
    expect(row).toMatchObject({
      '@timestamp': '2026-05-04T03:02:01.234Z',
      event: { category: ['file'], type: ['access'], id: event.id },
      trace: { id: '0af7651916cd43dd8448eb211c80319c' },
    })
    expect(['success', 'failure', 'unknown']).toContain(row.event.outcome)
    expect([row.event.duration ?? 0, row.http.response?.status_code ?? 0].every(Number.isSafeInteger)).toBe(
      true,
    )
    expect(isIP(row.source?.ip ?? '192.0.2.1')).toBeGreaterThan(0)
  })

  test('a completed download', () => {
    expect(toEcs(all[0] as RequestEvent, { at })).toMatchObject({
      event: { action: 'download', outcome: 'success', reason: 'completed', duration: 1_234_500_000 },
      http: {
        request: { id: 'trace-me', method: 'GET' },
        response: { status_code: 200, body: { bytes: 300 } },
      },
      organization: { id: '17' },
      user: { id: 'ann', domain: 'https://issuer.test' },
      source: { address: '2001:db8::7', ip: '2001:db8::7' },
    })
  })
})

test('no row holds a secret of the store, even where a host has made the cause enumerable', async () => {
  const scanner = createLeakScanner()
  const broken = scanner.plant({ ...holding(), get: async () => refuse('upstream_error') })
  await using scene = await openScene(optionsOf(broken))
  await scene.read()
  await scene.handler.drain({ withinMs: 1_000 })
  const events = scene.events.map((event) =>
    'cause' in event ? Object.assign({}, event, { cause: event.cause }) : event,
  )
  expect(scanner.find(events)).not.toEqual([])
  const rows = events.flatMap((event) =>
    event.type === 'trouble'
      ? [toCloudEvent(event, '/exports')]
      : [toOcsf(event, product), toCloudEvent(event, '/exports'), toEcs(event)],
  )
  expect(rows.length).toBeGreaterThan(0)
  expect(scanner.find(rows)).toEqual([])
})
