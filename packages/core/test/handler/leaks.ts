import { inspect } from 'node:util'

import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'

import type { ExportStore, TokenVerifier } from '../../src/ports.ts'
import { createLeakScanner } from '../../src/testing/leak-scanner.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import type { Answer, Ask } from './ask.ts'
import { content, principalOf, type Scene } from './scene.ts'

const scanner = createLeakScanner()
export const token = 'canary-token-of-ann-0123456789'

const stored: unknown = await scanner
  .plant({ ...createMemoryStore(), head: () => Promise.reject(new Error('down')) })
  .head('acme/ready', new AbortController().signal)
  .catch((error: unknown) => error)

/** An error as ports throw them: full of what must not show. */
export const leak: Error = Object.assign(new Error('/var/exports-canary is down', { cause: stored }), {
  stored,
  path: '/var/exports-canary/acme',
})

const printed: unknown[] = []
const unheard: unknown[] = []

/** Watches all that this process says beside its answers, for every test of the file. */
export function watchProcess(): void {
  const hear = (reason: unknown): void => void unheard.push(reason)
  const keep = (...said: unknown[]): true => {
    printed.push(...said)
    return true
  }
  beforeAll(() => {
    process.on('unhandledRejection', hear)
    process.on('warning', keep)
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const)
      vi.spyOn(console, method).mockImplementation(keep)
    vi.spyOn(process.stdout, 'write').mockImplementation(keep)
    vi.spyOn(process.stderr, 'write').mockImplementation(keep)
  })
  afterEach(() => {
    expect({ printed: printed.splice(0), unheard: unheard.splice(0) }).toEqual({ printed: [], unheard: [] })
  })
  afterAll(() => {
    vi.restoreAllMocks()
    process.off('unhandledRejection', hear)
    process.off('warning', keep)
  })
}

const stackLine = /\bat .+:\d+:\d+|\.(?:ts|js|mjs):\d+|node:internal/

/** What of the inside shows in an answer, or in events as a logger prints them. */
export function leaksIn({ fields, body }: Answer, { events }: Scene): readonly string[] {
  const heads = fields.map(([name, value]) => `${name}: ${value}`).join('\n')
  const told = events.map((event) => ({ ...event }))
  const logged = [
    JSON.stringify(events),
    inspect(events, { depth: null }),
    inspect(events, { depth: 0 }),
  ].join('\n')
  const secrets = [...scanner.find([heads, body]), ...scanner.find(told), ...scanner.find(logged)]
  const texts = [heads, body, logged]
  return [
    ...secrets,
    ...(texts.some((text) => text.includes(token)) ? ['token'] : []),
    ...(texts.some((text) => stackLine.test(text)) ? ['stack'] : []),
    ...(texts.some((text) => text.includes('exports-canary')) ? ['root'] : []),
    ...(texts.some((text) => text.includes(import.meta.dirname)) ? ['path'] : []),
  ]
}

/** Lets everything that is due happen, so that nothing more comes. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** A store that holds the ready export, with some of it replaced. */
export const storeWith = (changes: Partial<ExportStore>): ExportStore => ({
  ...createMemoryStore({ 'acme/ready': content }),
  ...changes,
})

/** A port that fails. */
export type Fault = () => Promise<never>

/** How a port may fail. */
export const ways: readonly (readonly [string, Fault])[] = [
  ['rejects', () => Promise.reject(leak)],
  [
    'throws at once',
    () => {
      throw leak
    },
  ],
  ['rejects with nothing', () => Promise.reject(undefined)],
  ['rejects late', () => new Promise((_, reject) => setImmediate(() => reject(leak)))],
]

export const byAnyone: Partial<Ask> = { headers: { authorization: `Bearer ${token}` } }
export const verifier: TokenVerifier = { verify: async () => principalOf('ann') }
