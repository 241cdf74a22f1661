import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

import type { ExportEvent, ExportHandler, ExportStore } from '@sallyport/core'
import { createExportHandler, createTickets } from '@sallyport/core'
import { positionCoded } from '@sallyport/core/testing'
import express from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'

import { isHere } from '../../../scripts/servers/available.ts'
import { type Chromium, startChromium } from '../../../scripts/servers/chromium.ts'
import { exportDownload, exportTicket } from '../src/express-adapter.ts'

const size = 8_388_608
const half = size / 2
const bytes = Buffer.from(positionCoded(size))
const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')
const whole = sha256(bytes)
const id = '0f0e0d0c-0b0a-4908-8706-050403020100'
const filename = 'Übersicht 2026.jsonl'
const secret = positionCoded(32)
/** Chromium reports nothing of a download after it has failed once, so its file is looked at. */
const waiting = { timeout: 20_000 }
const startWithinMs = 60_000
const resumeWithinMs = 600_000
/** A client that takes nothing for so long is cut. */
const slowestMs = 2_000

/** A request, as the service has received it. */
interface Received {
  readonly request: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly referrer: string | undefined
  readonly site: string | undefined
}

/** A service with one export, which a test can stop, start again and cut in the middle of a download. */
interface Service extends AsyncDisposable {
  readonly origin: string
  readonly received: Received[]
  readonly events: ExportEvent[]
  /** Milliseconds since the epoch. */
  readonly clock: { at: number }
  /** The HTML of `/`. */
  readonly page: { html: string }
  /** A URL with a ticket: a path. */
  readonly ticket: () => Promise<string>
  /** Makes the next download wait in the middle, until it goes on or the store fails. */
  readonly holdNext: () => { readonly cut: () => void; readonly goOn: () => void }
  readonly stop: () => Promise<void>
  /** Starts it on the same port, with a new handler. */
  readonly restart: () => Promise<void>
}

/** What a test changes of the service. */
interface Changes {
  readonly page?: () => string
  /** How often the export holds the bytes. */
  readonly times?: number
}

async function startService({ page: refusalPage, times = 1 }: Changes = {}): Promise<Service> {
  const total = size * times
  const received: Received[] = []
  const events: ExportEvent[] = []
  const clock = { at: 1_800_000_000_000 }
  const page = { html: '' }
  let middle: Promise<void> | undefined
  const store: ExportStore = {
    head: async () => ({ size: total, validator: 'v' }),
    get: async (_, { range }) => {
      const { first, last } = range ?? { first: 0, last: total - 1 }
      async function* chunks(): AsyncGenerator<Uint8Array> {
        for (let at = first; at <= last; at += 65_536 - (at % 65_536)) {
          const held = at === half ? middle : undefined
          if (held) {
            middle = undefined
            await held
          }
          const begin = at % size
          yield bytes.subarray(begin, Math.min(begin + 65_536 - (at % 65_536), begin + last + 1 - at))
        }
      }
      return { info: { size: total, validator: 'v' }, chunks: chunks(), close: () => undefined }
    },
  }
  const makeHandler = (): ExportHandler =>
    createExportHandler({
      verifier: {
        verify: async () => ({
          issuer: 'https://issuer.test',
          subject: 'ann',
          organizations: ['acme'],
          capabilities: ['exports:download'],
          claims: {},
        }),
      },
      tenancy: { mode: 'single', tenant: { id: 'acme', name: 'acme' } },
      capability: 'exports:download',
      findExport: async () => ({
        id,
        tenantId: 'acme',
        key: 'k',
        format: 'jsonl',
        state: 'ready',
        filename,
        object: { size: total, validator: 'v' },
      }),
      store,
      tickets: createTickets({
        keys: [{ id: '2026-11', secret }],
        startWithinMs,
        resumeWithinMs,
        ...(refusalPage && { page: refusalPage }),
      }),
      delivery: { resume: { attempts: 0 }, slowestClient: { bytes: 65_536, perMs: slowestMs } },
      onEvent: (event) => void events.push(event),
      now: () => clock.at,
    })
  let handler = makeHandler()
  const listen = async (port: number): Promise<ReturnType<typeof createServer>> => {
    const app = express()
    handler = makeHandler()
    app.use(({ method, url, headers }, _, next) => {
      received.push({
        request: `${method} ${url}`,
        range: headers.range,
        ifRange: headers['if-range']?.toString(),
        referrer: headers.referer,
        site: headers['sec-fetch-site']?.toString(),
      })
      next()
    })
    app.all('/exports/:exportId/download', exportDownload(handler))
    app.all('/exports/:exportId/ticket', exportTicket(handler))
    app.get('/', (_, response) => void response.type('html').send(page.html))
    app.use((_, response) => void response.sendStatus(404))
    const listening = createServer(app).listen(port, '127.0.0.1')
    await once(listening, 'listening')
    return listening
  }
  let server = await listen(0)
  const { port } = server.address() as AddressInfo
  const stop = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    received,
    events,
    clock,
    page,
    ticket: async () => {
      const principal = {
        issuer: 'https://issuer.test',
        subject: 'ann',
        organizations: ['acme'],
        capabilities: ['exports:download'],
        claims: {},
      }
      const { query } = await handler.issueTicket({ principal, exportId: id }, AbortSignal.timeout(10_000))
      return `/exports/${id}/download?${query}`
    },
    holdNext: () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      middle = promise
      promise.catch(() => undefined)
      return { cut: () => reject(new Error('the store fails')), goOn: resolve }
    },
    stop,
    restart: async () => {
      server = await listen(port)
    },
    [Symbol.asyncDispose]: stop,
  }
}

describe.skipIf(!isHere('chromium'))('a download by ticket in Chromium', { timeout: 60_000 }, () => {
  let browser: Chromium
  const seen = { tickets: new Set<string>(), received: new Array<Received>(), log: new Array<string>() }

  beforeAll(async () => {
    browser = await startChromium()
  })
  beforeEach(async () => {
    browser.forgetDownloads()
    await rm(browser.folder, { recursive: true, force: true })
  })
  afterAll(async () => {
    await browser[Symbol.asyncDispose]()
  })

  const files = async (): Promise<readonly string[]> => readdir(browser.folder).catch(() => [])
  const saved = async (): Promise<string> => sha256(await readFile(path.join(browser.folder, filename)))
  const gets = ({ received }: Service): readonly Received[] =>
    received.filter(({ request }) => request.startsWith(`GET /exports/${id}/download`))
  const outcomes = ({ events }: Service): readonly string[] =>
    events.flatMap((event) => (event.type === 'download_ended' ? [`${event.via} ${event.outcome}`] : []))
  const link = (url: string, attributes = ''): string =>
    `<!doctype html><title>Exports</title><a id="link" ${attributes} href="${url}">Download</a>`
  const stopsAtHalf = (): Promise<unknown> => browser.download(({ receivedBytes }) => receivedBytes === half)
  const ends = (state: 'completed' | 'canceled'): Promise<unknown> =>
    browser.download((download) => download.state === state)

  /** Runs a test with a service of its own, and keeps what it received and logged for the last test. */
  async function withService(run: (service: Service) => Promise<void>, changes?: Changes): Promise<void> {
    await using service = await startService(changes)
    await run(service)
    for (const { request } of service.received) {
      const [, ticket] = /\bsig=([^&]+)/.exec(request) ?? []
      if (ticket !== undefined) seen.tickets.add(ticket)
    }
    seen.received.push(...service.received)
    seen.log.push(...service.events.map((event) => JSON.stringify(event)))
  }

  test('one click asks for a ticket and saves the file under its name', () =>
    withService(async (service) => {
      service.page.html = `<!doctype html><title>Exports</title><button>Download</button><script>
document.querySelector('button').addEventListener('click', async () => {
  const response = await fetch('/exports/${id}/ticket', { method: 'POST', headers: { Authorization: 'Bearer ann' } })
  location.assign((await response.json()).url)
})</script>`
      const tab = await browser.open(service.origin)
      await tab.click('button')
      await ends('completed')
      expect(await files()).toEqual([filename])
      expect(await saved()).toBe(whole)
      expect(await tab.run('document.title')).toBe('Exports')
      await vi.waitFor(() => expect(outcomes(service)).toEqual(['ticket completed']))
    }))

  test('a connection that is cut at half: it resumes by itself, also when no new download may begin', () =>
    withService(async (service) => {
      const { cut } = service.holdNext()
      service.page.html = link(await service.ticket())
      const tab = await browser.open(service.origin)
      await tab.click('#link')
      await stopsAtHalf()
      service.clock.at += startWithinMs
      cut()
      await ends('completed')
      expect(await files()).toEqual([filename])
      expect(await saved()).toBe(whole)
      const [first, second, ...others] = gets(service)
      expect([first?.range, first?.ifRange]).toEqual([undefined, undefined])
      expect([second?.range, second?.ifRange]).toEqual([`bytes=${half}-`, expect.stringMatching(/^"[^"]+"$/)])
      expect(others).toEqual([])
      await vi.waitFor(() => expect(outcomes(service)).toEqual(['ticket store_cut', 'ticket completed']))
    }))

  test('a server that is restarted in the middle: Resume completes the file', () =>
    withService(async (service) => {
      const { cut } = service.holdNext()
      service.page.html = link(await service.ticket())
      const tab = await browser.open(service.origin)
      await tab.click('#link')
      await stopsAtHalf()
      await service.stop()
      cut()
      await ends('canceled')
      expect(await files()).toEqual([expect.stringMatching(/\.crdownload$/)])
      await service.restart()
      await browser.pauseOrResume()
      await vi.waitFor(async () => expect(await files()).toEqual([filename]), waiting)
      expect(await saved()).toBe(whole)
      expect(gets(service).map(({ range }) => range)).toEqual([undefined, `bytes=${half}-`])
    }))

  test('a pause that is longer than the handler waits: Resume completes the file', () =>
    withService(
      async (service) => {
        const { goOn } = service.holdNext()
        service.page.html = link(await service.ticket())
        const tab = await browser.open(service.origin)
        await tab.click('#link')
        await stopsAtHalf()
        await browser.pauseOrResume()
        goOn()
        await vi.waitFor(() => expect(outcomes(service)).toEqual(['ticket client_too_slow']), waiting)
        await browser.pauseOrResume()
        await vi.waitFor(async () => expect(await files()).toEqual([filename]), waiting)
        expect(await saved()).toBe(sha256(Buffer.concat(Array.from({ length: 8 }, () => bytes))))
        expect(gets(service).map(({ range }) => range)).toEqual([
          undefined,
          expect.stringMatching(/^bytes=\d+-$/),
        ])
      },
      { times: 8 }, // more than the buffers of both sides hold
    ))

  test('a 410 at the resume keeps the partial file, and a later Resume completes it', () =>
    withService(async (service) => {
      const { cut } = service.holdNext()
      service.page.html = link(await service.ticket())
      const tab = await browser.open(service.origin)
      await tab.click('#link')
      await stopsAtHalf()
      service.clock.at += resumeWithinMs
      cut()
      await ends('canceled')
      await vi.waitFor(() =>
        expect(service.events.at(-1)).toMatchObject({
          type: 'request_ended',
          status: 410,
          kind: 'ticket_expired',
        }),
      )
      const [partial = '', ...others] = await files()
      expect(others).toEqual([])
      expect(partial).toMatch(/\.crdownload$/)
      expect((await readFile(path.join(browser.folder, partial))).equals(bytes.subarray(0, half))).toBe(true)
      service.clock.at -= 1
      await browser.pauseOrResume()
      await vi.waitFor(async () => expect(await files()).toEqual([filename]), waiting)
      expect(await saved()).toBe(whole)
    }))

  test('a ticket that has expired before the click: the page of the refusal, and no file', () =>
    withService(async (service) => {
      service.page.html = link(await service.ticket())
      const tab = await browser.open(service.origin)
      service.clock.at += startWithinMs
      await tab.click('#link')
      await vi.waitFor(async () => expect(await tab.run('document.title')).toBe('This link has expired'))
      expect(await tab.run('document.contentType')).toBe('text/html')
      expect(await tab.run('document.body.innerText')).toContain('start the download there again')
      expect(await files()).toEqual([])
    }))

  test('a page of another origin with <a download>: the name and the bytes are ours', () =>
    withService(async (service) => {
      await using other = await startService()
      other.page.html = link(`${service.origin}${await service.ticket()}`, 'download="theirs.html"')
      const tab = await browser.open(other.origin.replace('127.0.0.1', 'localhost'))
      await tab.click('#link')
      await ends('completed')
      expect(await files()).toEqual([filename])
      expect(await saved()).toBe(whole)
      expect(gets(service)).toMatchObject([{ site: 'cross-site' }])
    }))

  test('<a download> with an expired ticket saves nothing, neither our page nor a JSON text', () =>
    withService(async (service) => {
      service.page.html = link(await service.ticket(), 'download')
      const tab = await browser.open(service.origin)
      service.clock.at += startWithinMs
      await tab.click('#link')
      await ends('canceled')
      expect(await files()).toEqual([])
      expect(await tab.run('document.title')).toBe('Exports')
    }))

  test('a prefetch gets 503 and spends nothing; the click then downloads', () =>
    withService(async (service) => {
      const url = await service.ticket()
      service.page.html = `${link(url)}<link rel="prefetch" href="${url}">`
      const tab = await browser.open(service.origin)
      await vi.waitFor(() => expect(gets(service)).toHaveLength(1))
      await vi.waitFor(() =>
        expect(service.events.at(-1)).toMatchObject({
          type: 'request_ended',
          status: 503,
          kind: 'unavailable',
        }),
      )
      await tab.click('#link')
      await ends('completed')
      expect(await saved()).toBe(whole)
      await vi.waitFor(() => expect(outcomes(service)).toEqual(['ticket completed']))
    }))

  test('a link on the page of a refusal sends no Referer', () =>
    withService(
      async (service) => {
        service.page.html = link(await service.ticket())
        const tab = await browser.open(service.origin)
        service.clock.at += startWithinMs
        await tab.click('#link')
        await vi.waitFor(async () => expect(await tab.run('document.title')).toBe('Sorry'))
        await tab.click('#back')
        await vi.waitFor(() =>
          expect(service.received.find(({ request }) => request === 'GET /back')).toMatchObject({
            referrer: undefined,
            site: 'cross-site', // its sandbox has an origin of its own
          }),
        )
      },
      { page: () => '<!doctype html><title>Sorry</title><a id="back" href="/back">Back to the exports</a>' },
    ))

  test('no event and no Referer of all these requests has a ticket', () => {
    expect(seen.tickets.size).toBeGreaterThanOrEqual(9)
    for (const ticket of seen.tickets) {
      expect(seen.log.filter((line) => line.includes(ticket))).toEqual([])
      expect(seen.received.filter(({ referrer }) => referrer?.includes(ticket))).toEqual([])
    }
    expect(seen.received.filter(({ referrer }) => referrer !== undefined)).not.toEqual([])
  })
})
