import { vi } from 'vitest'

import type { Behaviour, Behaviours } from '../../../../scripts/test-options.ts'
import { problemDetails } from '../../src/error-formats/problem-details.ts'
import type { ExportEvent } from '../../src/events.ts'
import { createExportHandler } from '../../src/export-handler.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import type { ExportStore } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { ExportHandler, ExportResponse } from '../../src/request-response.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { createTickets } from '../../src/verifiers/tickets.ts'
import {
  acme,
  content,
  globex,
  ids,
  principalOf,
  readyRecord,
  single,
  soundOptions,
} from '../handler/scene.ts'

type Options = ExportHandlerOptions
const ticketKeys = [{ id: 'a', secret: Uint8Array.from({ length: 32 }, (_, index) => index) }]
type Seen = Behaviour<Options>

const { limits: _, ...sound } = soundOptions()
/** The options that must be given, and no other. */
export const soundHandlerOptions: Options = sound

const handlerOf = (changes: Partial<Options>): ExportHandler => createExportHandler({ ...sound, ...changes })

interface Asked {
  readonly method?: string
  readonly token?: string
  readonly id?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly params?: Readonly<Record<string, string>>
  readonly url?: string
  readonly signal?: AbortSignal
}

/** Ann of acme asks for the ready export, but for what is given; without a socket. */
function ask(
  handler: ExportHandler,
  { method = 'GET', token = 'ann', id = ids.ready, headers = {}, params, url, signal }: Asked = {},
): Promise<ExportResponse> {
  const fields = new Map(
    Object.entries({ authorization: `Bearer ${token}`, 'x-org-name': 'acme', ...headers }),
  )
  return handler.handle({
    method,
    params: params ?? { exportId: id },
    header: (name) => fields.get(name),
    ...(url !== undefined && { url }),
    address: '192.0.2.1',
    signal: signal ?? new AbortController().signal,
  })
}

async function bodyOf({ body }: ExportResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body ?? []) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The head of an answer that is read to its end. */
async function headOf(handler: ExportHandler, asked?: Asked): Promise<Omit<ExportResponse, 'body'>> {
  const response = await ask(handler, asked)
  await bodyOf(response)
  return response
}

const statusOf = async (changes: Partial<Options>, asked?: Asked): Promise<number> =>
  (await headOf(handlerOf(changes), asked)).status

const fieldOf = async (changes: Partial<Options>, name: string, asked?: Asked): Promise<string | undefined> =>
  (await headOf(handlerOf(changes), asked)).headers[name]

/** Statuses of requests that come one after the other. */
async function statusesOf(changes: Partial<Options>, asked: readonly Asked[]): Promise<readonly number[]> {
  const handler = handlerOf(changes)
  const statuses: number[] = []
  for (const one of asked) statuses.push((await headOf(handler, one)).status)
  return statuses
}

const members = { ...sound.tenancy, isMember: async () => true }
const quota = { capacity: 1, refill: 1, perMs: 60_000 }
const budget = { capacity: 1, refill: 1, perMs: 1_000 }
const v1 = (version: NonNullable<Options['versions']>[string]): Partial<Options> => ({
  versions: { v1: version },
})
const inFormat = (format: string): Pick<Options, 'findExport'> => ({
  findExport: async () => ({ ...readyRecord, format }),
})

/** How many downloads of each tenant are open at once, of ten that are asked for by as many users, in turn. */
async function openAtOnce(changes: Partial<Options>): Promise<unknown> {
  const done = new AbortController()
  const handler = handlerOf({
    ...changes,
    verifier: { verify: async (token) => principalOf(token, { organizations: ['acme', 'globex'] }) },
    findExport: async ({ tenant }) => ({
      ...readyRecord,
      tenantId: tenant.id === acme.id ? acme.id : globex.id,
    }),
  })
  const open = { acme: 0, globex: 0 }
  for (let nth = 0; nth < 20; nth += 1) {
    const name = nth % 2 === 0 ? 'acme' : 'globex'
    const { status } = await ask(handler, {
      token: `user-${nth}`,
      headers: { 'x-org-name': name },
      signal: done.signal,
    })
    if (status === 200) open[name] += 1
  }
  done.abort()
  return open
}

/** How many downloads of one user are open at once, of 30 that are asked for. */
async function openOfOneUser(changes: Partial<Options>): Promise<number> {
  const done = new AbortController()
  const handler = handlerOf(changes)
  let open = 0
  for (let nth = 0; nth < 30; nth += 1)
    if ((await ask(handler, { signal: done.signal })).status === 200) open += 1
  done.abort()
  return open
}

/** What of a quota of 60 is left after one request. */
const leftAfter =
  (asked: Asked) =>
  async (changes: Partial<Options>): Promise<unknown> =>
    /r=(\d+)/.exec((await fieldOf(changes, 'RateLimit', asked)) ?? '')?.[1]

// ── With a clock that the test moves. ─────────────────────────────────────────────────────────────────────────────────

/** Lets the time of a test pass. The clock must be vitest's. */
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

/** Milliseconds until the promise settles, of at most `most`. */
async function msUntil(promise: Promise<unknown>, most: number): Promise<number | undefined> {
  const from = performance.now()
  let took: number | undefined
  const settle = (): void => {
    took = performance.now() - from
  }
  promise.then(settle, settle)
  await pass(most)
  return took
}

const large = 'x'.repeat(1_000_000)
const largeStore = createMemoryStore({ 'acme/ready': large })
const aborted = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
const never = (): Promise<never> => new Promise(() => undefined)

/** A download that is read to its end, or until it is cut. */
async function readAll(changes: Partial<Options>): Promise<string> {
  const response = await ask(handlerOf(changes))
  return bodyOf(response).then(
    () => 'complete',
    () => 'cut',
  )
}

/** Milliseconds until the first trouble of the store is told, while a download is read. */
async function msUntilTrouble(changes: Partial<Options>, store: ExportStore): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<ExportEvent>()
  const onEvent = (event: ExportEvent): void => {
    if (event.type === 'trouble') resolve(event)
  }
  const reading = readAll({ ...changes, store, onEvent })
  const ms = await msUntil(promise, 200_000)
  await reading
  return ms
}

/** Sends 100 bytes every 10 seconds. */
const trickling: ExportStore = {
  head: (...asked) => largeStore.head(...asked),
  get: async (...asked) => {
    const object = await largeStore.get(...asked)
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 10_000))
        yield Buffer.alloc(100, 'x')
      }
    }
    return object && { ...object, chunks: chunks() }
  },
}
/** Breaks off at the same byte, whenever it is read. */
const broken = (): ExportStore =>
  createChaosStore(largeStore, { faults: [{ does: 'cut', atByte: 70_000, times: 10_000 }] })

async function reopensOf(
  changes: Partial<Options>,
): Promise<{ readonly reopens: number; readonly seconds: number }> {
  const store = broken()
  let gets = 0
  const counted: ExportStore = {
    ...store,
    get: (...asked) => {
      gets += 1
      return store.get(...asked)
    },
  }
  const ms = await msUntil(readAll({ ...changes, store: counted }), 200_000)
  return { reopens: gets - 1, seconds: (ms ?? Infinity) / 1_000 }
}

/** Milliseconds until a download that nobody reads is given up. */
async function msUnread(changes: Partial<Options>): Promise<number | undefined> {
  const { body } = await ask(handlerOf({ store: largeStore, ...changes }))
  const given = body?.[Symbol.asyncIterator]()
  await given?.next()
  return msUntil(aborted(body?.signal), 100_000_000)
}

/** A reader that may stop for a month. */
const anyReader = { bytes: 65_536, perMs: 2_000_000_000 }

/** By the option's name in docs/options.md. */
export const handlerBehaviours: Readonly<Record<string, Seen>> = {
  verifier: {
    see: statusOf,
    before: 200,
    after: [[{ verifier: { verify: async () => refuse('token_invalid') } }, 401]],
  },
  tenancy: {
    see: (changes) => statusOf(changes, { headers: { 'x-org-name': undefined } }),
    before: 400,
    after: [[{ tenancy: single }, 200]],
  },
  'tenancy.findTenant': {
    see: statusOf,
    before: 200,
    after: [[{ tenancy: { mode: 'multi', findTenant: async () => undefined } }, 403]],
  },
  'tenancy.isMember': {
    see: (changes) => statusOf(changes, { token: 'none' }),
    before: 403,
    after: [[{ tenancy: members }, 200]],
  },
  'tenancy.headerOptional': {
    see: (changes) => statusOf(changes, { headers: { 'x-org-name': undefined } }),
    before: 400,
    after: [[{ tenancy: { ...multi(), headerOptional: true } }, 200]],
  },
  'tenancy.namePattern': {
    // A name that fits and is not in the token is 403, one that does not fit 400.
    see: (changes) =>
      statusesOf(
        changes,
        ['a', 'a.b_c-D9', 'x'.repeat(64), 'x'.repeat(65), '.a', 'a-', 'a b', 'ä'].map((name) => ({
          headers: { 'x-org-name': name },
        })),
      ),
    before: [403, 403, 403, 400, 400, 400, 400, 400],
    after: [
      [{ tenancy: { ...multi(), namePattern: /^[a-z ]{1,9}$/ } }, [403, 400, 400, 400, 400, 400, 403, 400]],
    ],
  },
  'tenancy.header': {
    see: (changes) =>
      statusesOf(changes, [
        { headers: { 'x-org-name': 'acme' } },
        { headers: { 'x-org-name': undefined, 'x-tenant': 'acme' } },
      ]),
    before: [200, 400],
    after: [[{ tenancy: { ...multi(), header: 'X-Tenant' } }, [400, 200]]],
  },
  'tenancy.parameter': {
    see: (changes) =>
      statusesOf(changes, [
        {},
        { params: { exportId: ids.ready, org: 'acme' }, headers: { 'x-org-name': 'b' } },
      ]),
    before: [200, 403],
    after: [[{ tenancy: { ...multi(), parameter: 'org' } }, [400, 200]]],
  },
  capability: { see: statusOf, before: 200, after: [[{ capability: 'exports:delete' }, 403]] },
  findExport: { see: statusOf, before: 200, after: [[{ findExport: async () => undefined }, 404]] },
  store: {
    see: async (changes) => bodyOf(await ask(handlerOf(changes))),
    before: content,
    after: [
      [{ store: createMemoryStore({ 'acme/ready': 'another' }) }, 'another'],
      [{ store: ({ name }) => createMemoryStore({ 'acme/ready': `of ${name}` }) }, 'of acme'],
    ],
  },
  idParameter: {
    see: (changes) =>
      statusesOf(changes, [{ params: { exportId: ids.ready } }, { params: { job_id: ids.ready } }]),
    before: [200, 400],
    after: [[{ idParameter: 'job_id' }, [400, 200]]],
  },
  idPattern: {
    see: (changes) =>
      statusesOf(changes, [{ id: ids.missing }, { id: ids.missing.toUpperCase() }, { id: 'job-17' }]),
    before: [404, 404, 400],
    after: [[{ idPattern: /job-[0-9]+/ }, [400, 400, 404]]],
  },
  tickets: {
    see: async (changes) => {
      const handler = handlerOf(changes)
      const wanted = { principal: principalOf('ann'), tenantName: 'acme', exportId: ids.ready }
      const { signal } = new AbortController()
      const query = await handler.issueTicket(wanted, signal).then(
        (issued) => issued.query,
        (error: unknown) => String(error),
      )
      const headers = { authorization: undefined, 'x-org-name': undefined }
      return [handler.issuesTickets, (await headOf(handler, { headers, url: `/?${query}` })).status]
    },
    before: [false, 401],
    after: [[{ tickets: createTickets({ keys: ticketKeys }) }, [true, 200]]],
  },
  versionHeader: {
    see: async (changes) => [
      Object.keys((await headOf(handlerOf(changes))).headers).filter((name) => /version/i.test(name)),
      await statusOf(changes, { headers: { 'api-version': 'v2' } }),
    ],
    before: [['X-API-Version'], 200],
    after: [[{ versionHeader: 'Api-Version' }, [['Api-Version'], 400]]],
  },
  versions: {
    see: async (changes) => [
      await fieldOf(changes, 'X-API-Version'),
      await statusOf(changes, { headers: { 'x-api-version': 'v2' } }),
    ],
    before: ['v1', 400],
    after: [[{ versions: { v1: {}, v2: {} } }, ['v1', 200]]],
  },
  'versions.*.errors': {
    see: async (changes) => {
      const refused = await ask(handlerOf(changes), { id: ids.missing })
      const { type } = JSON.parse(await bodyOf(refused)) as { readonly type?: string }
      return [refused.headers['Content-Type'], type]
    },
    before: ['application/problem+json', 'about:blank'],
    after: [
      [
        v1({ errors: problemDetails({ typeBase: new URL('https://docs.example/errors/') }) }),
        ['application/problem+json', 'https://docs.example/errors/export-not-found'],
      ],
    ],
  },
  'versions.*.mediaTypes': {
    see: async (changes) => {
      const formats = ['jsonl', 'csv', 'json', 'jsonl.gz', 'csv.gz', 'json.gz', 'parquet']
      return Promise.all(
        formats.map((format) => fieldOf({ ...inFormat(format), ...changes }, 'Content-Type')),
      )
    },
    before: [
      'application/jsonl',
      'text/csv; charset=utf-8',
      'application/json',
      'application/gzip',
      'application/gzip',
      'application/gzip',
      'application/octet-stream',
    ],
    after: [
      [
        v1({ mediaTypes: { parquet: 'application/vnd.apache.parquet', json: 'application/geo+json' } }),
        [
          'application/jsonl',
          'text/csv; charset=utf-8',
          'application/geo+json',
          'application/gzip',
          'application/gzip',
          'application/gzip',
          'application/vnd.apache.parquet',
        ],
      ],
    ],
  },
  'versions.*.deprecated': {
    see: (changes) => fieldOf(changes, 'Deprecation'),
    before: undefined,
    after: [[v1({ deprecated: new Date(1_000) }), '@1']],
  },
  'versions.*.sunset': {
    see: async (changes) => [await statusOf(changes), await fieldOf(changes, 'Sunset')],
    before: [200, undefined],
    after: [
      [v1({ sunset: new Date(Date.UTC(2100, 0)) }), [200, 'Fri, 01 Jan 2100 00:00:00 GMT']],
      [v1({ sunset: new Date(Date.UTC(2000, 0)) }), [400, undefined]],
    ],
  },
  'versions.*.links': {
    see: (changes) => fieldOf(changes, 'Link'),
    before: undefined,
    after: [
      [v1({ links: { sunset: 'https://docs.example/v1' } }), '<https://docs.example/v1>; rel="sunset"'],
    ],
  },
  defaultVersion: {
    see: (changes) => fieldOf({ versions: { v1: {}, v2: {} }, ...changes }, 'X-API-Version'),
    before: 'v1',
    after: [[{ defaultVersion: 'v2' }, 'v2']],
  },
  'limits.perPrincipal': {
    see: async (changes) => {
      const statuses = await statusesOf(
        changes,
        Array.from({ length: 70 }, () => ({ id: ids.missing })),
      )
      return statuses.filter((status) => status === 404).length
    },
    before: 60,
    after: [
      [{ limits: { perPrincipal: { ...quota, capacity: 2 } } }, 2],
      [{ limits: { perPrincipal: () => ({ ...quota, capacity: 3 }) } }, 3],
    ],
  },
  'limits.perTenant': {
    see: (changes) => statusesOf(changes, [{ token: 'ann' }, { token: 'two' }]),
    before: [200, 200],
    after: [[{ limits: { perTenant: quota } }, [200, 429]]],
  },
  'limits.perAddress': {
    see: (changes) => statusesOf(changes, [{ token: 'nobody' }, { token: 'no-one' }]),
    before: [401, 401],
    after: [[{ limits: { perAddress: quota } }, [401, 429]]],
  },
  'limits.bytes.perPrincipal': {
    see: (changes) => statusesOf(changes, [{ token: 'ann' }, { token: 'ann' }, { token: 'two' }]),
    before: [200, 200, 200],
    after: [
      [{ limits: { bytes: { perPrincipal: budget } } }, [200, 429, 200]],
      [{ limits: { bytes: { perPrincipal: () => budget } } }, [200, 429, 200]],
    ],
  },
  'limits.bytes.perTenant': {
    see: (changes) => statusesOf(changes, [{ token: 'ann' }, { token: 'two' }]),
    before: [200, 200],
    after: [
      [{ limits: { bytes: { perTenant: budget } } }, [200, 429]],
      [{ limits: { bytes: { perTenant: () => budget } } }, [200, 429]],
    ],
  },
  'limits.concurrent.perPrincipal': {
    see: openOfOneUser,
    before: 16,
    after: [
      [{ limits: { concurrent: { perPrincipal: 20 } } }, 20],
      [{ limits: { concurrent: { perTenant: 3 } } }, 3],
      [{ limits: { concurrent: { total: 2 } } }, 2],
    ],
  },
  'limits.concurrent.perTenant': {
    see: openAtOnce,
    before: { acme: 10, globex: 10 },
    after: [[{ limits: { concurrent: { perTenant: 3 } } }, { acme: 3, globex: 3 }]],
  },
  'limits.concurrent.total': {
    see: openAtOnce,
    before: { acme: 10, globex: 10 },
    after: [[{ limits: { concurrent: { total: 3 } } }, { acme: 2, globex: 1 }]],
  },
  'limits.cost.download': {
    see: leftAfter({}),
    before: '59',
    after: [[{ limits: { cost: { download: 5 } } }, '55']],
  },
  'limits.cost.range': {
    see: leftAfter({ headers: { range: 'bytes=0-0' } }),
    before: '59',
    after: [[{ limits: { cost: { download: 10, range: 3 } } }, '57']],
  },
  'limits.cost.head': {
    see: leftAfter({ method: 'HEAD' }),
    before: '59',
    after: [[{ limits: { cost: { head: 2 } } }, '58']],
  },
  'limits.legacyFields': {
    see: (changes) => fieldOf(changes, 'X-RateLimit-Limit'),
    before: undefined,
    after: [[{ limits: { legacyFields: true } }, '60']],
  },
  'limits.limiter': {
    // Two handlers, as two processes.
    see: async (changes) => [await leftAfter({})(changes), await leftAfter({})(changes)],
    before: ['59', '59'],
    after: [[{ limits: { limiter: createMemoryLimiter() } }, ['59', '58']]],
  },
  'delivery.firstByteMs': {
    see: (changes) => msUntil(ask(handlerOf({ ...changes, findExport: never })), 100_000),
    before: 15_000,
    after: [[{ delivery: { firstByteMs: 300 } }, 300]],
  },
  'delivery.storeSilenceMs': {
    see: (changes) =>
      msUntilTrouble(changes, createChaosStore(largeStore, { faults: [{ does: 'stall', atByte: 70_000 }] })),
    before: 15_000,
    after: [[{ delivery: { storeSilenceMs: 400 } }, 400]],
  },
  'delivery.slowestStore': {
    see: (changes) => msUntilTrouble(changes, trickling),
    before: 70_000,
    after: [[{ delivery: { slowestStore: { bytes: 61_440, perMs: 15_000 } } }, 20_000]],
  },
  'delivery.resume.attempts': {
    see: async (changes) => Math.min(20, (await reopensOf(changes)).reopens),
    before: 20, // and more
    after: [
      [{ delivery: { resume: { attempts: 2 } } }, 2],
      [{ delivery: { resume: { attempts: 0 } } }, 0],
    ],
  },
  'delivery.resume.withinMs': {
    // The last wait is not begun when it would end too late: it is of at most 3 seconds.
    see: async (changes) => Math.ceil((await reopensOf(changes)).seconds / 4) * 4,
    before: 60,
    after: [[{ delivery: { resume: { withinMs: 8_000 } } }, 8]],
  },
  'delivery.slowestClient': {
    see: msUnread,
    before: 120_000,
    after: [[{ delivery: { slowestClient: { bytes: 122_880, perMs: 5_000 } } }, 5_000]],
  },
  'delivery.bytesPerSecond': {
    // Seconds for a million bytes. The last twentieth of a second is not waited for.
    see: async (changes) =>
      Math.ceil(((await msUntil(readAll({ ...changes, store: largeStore }), 100_000)) ?? Infinity) / 1_000),
    before: 0,
    after: [
      [{ delivery: { bytesPerSecond: 1_000_000 } }, 1],
      [{ delivery: { bytesPerSecond: 100_000 } }, 10],
    ],
  },
  'delivery.lifetimeMs': {
    see: ({ delivery }) => msUnread({ delivery: { ...delivery, slowestClient: anyReader } }),
    before: 86_400_000,
    after: [[{ delivery: { lifetimeMs: 2_000 } }, 2_000]],
  },
  'delivery.multipleRanges': {
    see: (changes) => statusOf(changes, { headers: { range: 'bytes=0-0,2-2' } }),
    before: 200,
    after: [[{ delivery: { multipleRanges: true } }, 206]],
  },
  onEvent: {
    see: async (changes) => {
      const told: string[] = []
      await bodyOf(
        await ask(
          handlerOf({ ...changes, ...(changes.onEvent && { onEvent: ({ type }) => told.push(type) }) }),
        ),
      )
      return told
    },
    before: [],
    after: [[{ onEvent: () => undefined }, ['download_started', 'download_ended']]],
  },
  audit: {
    see: async (changes) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      void ask(handlerOf(changes)).then(({ status }) => resolve(status))
      const ms = await msUntil(promise, 100_000)
      return [Math.floor((ms ?? Infinity) / 100) * 100, await promise]
    },
    before: [0, 200],
    after: [
      [{ audit: never }, [2_000, 503]],
      [{ audit: async () => undefined }, [0, 200]],
    ],
  },
  now: {
    see: (changes) =>
      statusOf({
        findExport: async () => ({ ...readyRecord, expiresAt: new Date(Date.now() + 1_000) }),
        ...changes,
      }),
    before: 200,
    after: [[{ now: () => Date.now() + 1_000 }, 404]],
  },
}

/** A handler that sends a download which nobody reads. */
async function sending(): Promise<ExportHandler> {
  const handler = handlerOf({ store: largeStore, delivery: { slowestClient: anyReader } })
  await ask(handler)
  return handler
}

export const drainBehaviours: Behaviours<Parameters<ExportHandler['drain']>[0]> = {
  withinMs: {
    see: async ({ withinMs = 1_000 }) => msUntil((await sending()).drain({ withinMs }), 100_000),
    before: 1_000,
    after: [[{ withinMs: 5_000 }, 5_000]],
  },
}

export const cutBehaviours: Behaviours<{ readonly matches: Parameters<ExportHandler['cut']>[0] }> = {
  matches: {
    see: async ({ matches = () => true }) => (await sending()).cut(matches),
    before: 1,
    after: [[{ matches: ({ exportId }) => exportId === ids.missing }, 0]],
  },
}

export const readyBehaviours: Behaviours<{ readonly signal: AbortSignal }> = {
  signal: {
    see: ({ signal = new AbortController().signal }) =>
      handlerOf({})
        .ready(signal)
        .then(
          () => 'ready',
          (reason: unknown) => reason,
        ),
    before: 'ready',
    after: [[{ signal: AbortSignal.abort('too late') }, 'too late']],
  },
}

function multi(): Extract<Options['tenancy'], { readonly mode: 'multi' }> {
  const { tenancy } = sound
  if (tenancy.mode !== 'multi') throw new Error('the scene has one tenant')
  return tenancy
}
