import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { ExportRecord } from '../../src/catalogue.ts'
import { createExportHandler } from '../../src/export-handler.ts'
import type { ContentCoding } from '../../src/http/content-codings.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import { serveNode } from '../../src/node/serve-node.ts'
import type { ExportHandlerOptions } from '../../src/options/options.ts'
import type { ExportStore } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import type { ExportHandler } from '../../src/request-response.ts'
import type { RecordedAnswer } from '../../src/testing/answer-recorder.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { ask } from '../handler/ask.ts'
import { rows } from '../handler/refusal-table.ts'
import { content, ids, pathOf, readyRecord, records, soundOptions } from '../handler/scene.ts'

const start = Date.UTC(2026, 10, 1)

/** The formats and codings of the exports below. */
export const formats = ['jsonl', 'csv', 'odd'] as const
export const encodings: readonly ContentCoding[] = ['gzip', 'br', 'zstd']

/** A text long enough for two ranges, and its key. */
const text = content.repeat(100)
const long = 'acme/long'

const record = (changes: Partial<ExportRecord>): ExportRecord => ({ ...readyRecord, ...changes })
const ofEachFormat = formats.map((format, nth) =>
  record({
    id: `0f0e0d0c-0b0a-4908-8706-0000000001${String(nth).padStart(2, '0')}`,
    format,
    key: long,
    object: { sha256: createHash('sha256').update(text).digest('hex') },
  }),
)
const ofEachCoding = encodings.map((encoding, nth) =>
  record({
    id: `0f0e0d0c-0b0a-4908-8706-0000000002${String(nth).padStart(2, '0')}`,
    key: encoding,
  }),
)
const catalogue = new Map<string, ExportRecord>(
  [...records.values(), ...ofEachFormat, ...ofEachCoding].map((record) => [record.id, record]),
)

/** A memory store whose objects `gzip`, `br` and `zstd` say that they are stored so. */
function codedStore(): ExportStore {
  const objects = ['acme/ready', long, ...encodings].map(
    (key) => [key, key === long ? text : content] as const,
  )
  const store = createMemoryStore(Object.fromEntries(objects))
  const coding = (key: string): { lastModified: Date; encoding?: ContentCoding } => {
    const encoding = encodings.find((one) => one === key)
    return { lastModified: new Date(start - 1_000), ...(encoding && { encoding }) }
  }
  return {
    head: async (key, signal) => {
      const info = await store.head(key, signal)
      return info && { ...info, ...coding(key) }
    },
    get: async (key, options, signal) => {
      const object = await store.get(key, options, signal)
      return object && { ...object, info: { ...object.info, ...coding(key) } }
    },
  }
}

/** The options that are described: a whole handler, but for what the caller gives. */
export const describedOptions = (changes: Partial<ExportHandlerOptions>): ExportHandlerOptions => ({
  ...soundOptions(),
  findExport: async ({ exportId, tenant }) => {
    const record = catalogue.get(exportId)
    return record?.tenantId === tenant.id ? record : undefined
  },
  store: codedStore(),
  now: () => start,
  ...changes,
})

/** Serves a handler, both routes. */
async function serveBoth(handler: ExportHandler): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const handle = path.endsWith('/ticket') ? handler.handleTicket : handler.handle
    void serveNode({ handle }, request, response, { params: { exportId: path.split('/').at(-2) ?? '' } })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Sends requests to a handler with these options, one after the other. */
async function answersOf(
  options: ExportHandlerOptions,
  requests: readonly Sent[],
  before: (handler: ExportHandler) => Promise<unknown> = async () => undefined,
): Promise<RecordedAnswer[]> {
  const handler = createExportHandler(options)
  await before(handler)
  await using served = await serveBoth(handler)
  const answers: RecordedAnswer[] = []
  for (const { method = 'GET', path = pathOf(ids.ready), headers } of requests) {
    const usual = path.includes('?') ? {} : { authorization: 'Bearer ann', 'x-org-name': 'acme' }
    const answer = await ask(served.port, { method, path, headers: { ...usual, ...headers } })
    answers.push({ method, path, status: answer.status, headers: answer.fields })
  }
  return answers
}

const toTicket = (path: string): string => path.replace(/download$/, 'ticket')
const toBrowser = { accept: 'text/html' }

/** Provokes every kind of answer that a handler with these options has, over real sockets. */
export async function everyAnswer(changes: Partial<ExportHandlerOptions>): Promise<RecordedAnswer[]> {
  const options = describedOptions(changes)
  const versions = Object.keys(options.versions ?? {}).map((name) => ({ 'x-api-version': name }))
  const tickets = await ticketPaths(options, versions)
  const answers: RecordedAnswer[] = []
  const note = async (...given: Parameters<typeof answersOf>): Promise<void> => {
    answers.push(...(await answersOf(...given)))
  }

  // What carries an export.
  const exports = [...ofEachFormat, ...ofEachCoding].map(({ id }) => pathOf(id))
  const wants = [
    {},
    { 'accept-encoding': 'gzip, br, zstd' },
    { range: 'bytes=1-2' },
    { range: 'bytes=1-2', 'accept-encoding': 'gzip' },
    { range: 'bytes=0-1,4000-4001' },
    { 'if-none-match': '*' },
  ]
  const digest = { 'want-repr-digest': 'sha-256=1' }
  const downloads = versions.flatMap((version) =>
    exports.flatMap((path) =>
      wants.flatMap((headers) =>
        ['GET', 'HEAD'].map((method) => ({ method, path, headers: { ...version, ...digest, ...headers } })),
      ),
    ),
  )
  const unlimited = createMemoryLimiter({ maxKeys: 1_000 })
  const large = {
    ...options.limits,
    perPrincipal: { capacity: 10_000, refill: 1, perMs: 1_000 },
    limiter: unlimited,
  }
  await note({ ...options, limits: large }, downloads)
  await note(
    options,
    [
      { method: 'OPTIONS' },
      { method: 'DELETE' },
      { method: 'OPTIONS', path: toTicket(pathOf(ids.ready)) },
    ].flatMap((request) => versions.map((headers) => ({ ...request, headers }))),
  )

  await note(options, [
    { headers: { 'x-api-version': 'v9' } },
    { method: 'HEAD', headers: { 'x-api-version': 'v9' } },
  ])

  // Every kind of refusal. The tickets are refused below, by what is wrong with them.
  for (const { kind, request, changes: broken = {} } of rows.filter(
    ({ kind }) => !kind.startsWith('ticket_'),
  )) {
    const sound = { ...options, ...broken, limits: { ...options.limits, ...broken.limits } }
    const methods = request.method === undefined ? ['GET', 'HEAD'] : [request.method]
    await note(
      sound,
      versions.flatMap((version) => {
        const headers = { ...version, ...request.headers }
        return methods.map((method) => ({ path: request.path ?? pathOf(ids.ready), method, headers }))
      }),
    )
    const ofTicket = tickets.map((query) => ({
      path: `${request.path ?? pathOf(ids.ready)}${query}`,
      headers: { ...request.headers, ...toBrowser, authorization: undefined },
    }))
    if (kind !== 'token_missing' && kind !== 'token_invalid') await note(sound, ofTicket)
  }
  const quota = { ...options.limits, perPrincipal: { capacity: 1, refill: 1, perMs: 60_000 } }
  for (const method of ['GET', 'HEAD', 'POST'])
    for (const version of versions) {
      const path = method === 'POST' ? toTicket(pathOf(ids.ready)) : pathOf(ids.ready)
      const request = { method, path, headers: version }
      const limiter = createMemoryLimiter({ maxKeys: 1_000 })
      await note({ ...options, limits: { ...quota, limiter } }, [request, request])
    }
  const drained = ['OPTIONS', 'GET'].flatMap((method) =>
    [pathOf(ids.ready), toTicket(pathOf(ids.ready))].flatMap((path) =>
      versions.map((headers) => ({ method, path, headers })),
    ),
  )
  await note(options, drained, (handler) => handler.drain({ withinMs: 0 }))
  if (!options.tickets) return answers

  // Tickets: malformed, expired, and refused requests for one.
  const wrong = ['?sig=x', '?sig=a&sig=b'].flatMap((query) =>
    versions.flatMap((version) =>
      ['GET', 'HEAD'].flatMap((method) =>
        [{}, toBrowser].map((more) => ({
          method,
          path: pathOf(ids.ready) + query,
          headers: { ...version, ...more },
        })),
      ),
    ),
  )
  await note(options, wrong)
  const late = tickets.flatMap((query) =>
    ['GET', 'HEAD'].flatMap((method) =>
      [{}, toBrowser].map((headers) => ({ method, path: pathOf(ids.ready) + query, headers })),
    ),
  )
  for (const later of [3_600_000, 10 * 86_400_000]) await note({ ...options, now: () => start + later }, late)
  const toPage = tickets.map((query) => ({ path: pathOf(ids.ready) + query, headers: toBrowser }))
  await note({ ...options, findExport: async () => undefined }, toPage)
  const asking = (headers: Sent['headers'] = {}, path = pathOf(ids.ready)): Sent[] =>
    versions.map((version) => ({ method: 'POST', path: toTicket(path), headers: { ...version, ...headers } }))
  await note(options, [
    ...asking(),
    ...asking({}, pathOf('nope')),
    ...asking({ authorization: undefined }),
    ...asking({ authorization: 'Bearer eve' }),
    ...asking({ authorization: 'Bearer idle' }),
    ...asking({}, pathOf(ids.missing)),
    ...versions.map((headers) => ({ method: 'PUT', path: toTicket(pathOf(ids.ready)), headers })),
  ])
  for (const kind of ['scope_missing', 'internal', 'upstream_error', 'unavailable'] as const)
    await note({ ...options, findExport: async () => refuse(kind) }, asking())
  return answers
}

/** A ticket of each version, as a query. */
async function ticketPaths(
  options: ExportHandlerOptions,
  versions: readonly Readonly<Record<string, string>>[],
): Promise<readonly string[]> {
  if (!options.tickets) return []
  const handler = createExportHandler(options)
  const principal = await options.verifier.verify('ann', AbortSignal.timeout(1_000), {})
  const issued = versions.map(({ 'x-api-version': version = '' }) =>
    handler.issueTicket(
      { principal, exportId: ids.ready, tenantName: 'acme', version },
      AbortSignal.timeout(1_000),
    ),
  )
  return (await Promise.all(issued)).map(({ query }) => `?${query}`)
}
