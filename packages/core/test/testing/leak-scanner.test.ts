import { createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'

import { beforeEach, describe, expect, test } from 'vitest'

import type { ExportStore, ObjectInfo } from '../../src/ports.ts'
import { refusalDetail, refuse } from '../../src/refusals.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createLeakScanner, type LeakScanner } from '../../src/testing/leak-scanner.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
import { createTickets } from '../../src/verifiers/tickets.ts'

const NAMES = ['bucket', 'key', 'region', 'host', 'account', 'accessKeyId', 'requestId', 'signature']
const { signal } = new AbortController()

let scanner: LeakScanner
let store: ExportStore
/** What was planted, by its name. */
let secrets: Readonly<Record<string, string>>

beforeEach(async () => {
  scanner = createLeakScanner()
  store = scanner.plant(createMemoryStore({ a: 'content', 'acme/secret.jsonl': 'content' }))
  secrets = { ...(await store.head('a', signal)) } as unknown as Record<string, string>
})

const rejection = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error)
const hex = (text: string): string => Buffer.from(text).toString('hex')
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const sha256 = (text: string, encoding: 'hex' | 'base64' | 'base64url'): string =>
  createHash('sha256').update(text).digest(encoding)
const each = (text: string, escape: (code: number) => string): string =>
  Array.from(text, (character) => escape(character.codePointAt(0) ?? 0)).join('')
const percent = (text: string): string => each(text, (code) => `%${code.toString(16).padStart(2, '0')}`)
const unicode = (text: string): string => each(text, (code) => `\\u${code.toString(16).padStart(4, '0')}`)

describe('a planted leak is found', () => {
  const disguises: Readonly<Record<string, (secret: string) => unknown>> = {
    'as it is': (secret) => secret,
    'inside other text': (secret) => `before${secret}after`,
    'in upper case': (secret) => secret.toUpperCase(),
    'in lower case': (secret) => secret.toLowerCase(),
    'percent-encoded where it must be': (secret) => encodeURIComponent(secret),
    'percent-encoded throughout': percent,
    'percent-encoded three times': (secret) => encodeURIComponent(encodeURIComponent(percent(secret))),
    'JSON-escaped': unicode,
    'JSON in JSON': (secret) => JSON.stringify(JSON.stringify({ at: `https://x/${secret}` })),
    'JSON with escaped slashes': (secret) => JSON.stringify(secret).replaceAll('/', String.raw`\/`),
    'escaped as JavaScript does': (secret) => each(secret, (code) => `\\x${code.toString(16)}`),
    'HTML-escaped, decimal': (secret) => each(secret, (code) => `&#${code};`),
    'HTML-escaped, hex': (secret) => each(secret, (code) => `&#X${code.toString(16)};`),
    'percent-encoded in JSON in HTML': (secret) => unicode(percent(secret)).replaceAll('\\', '&#92;'),
    'in base64': base64,
    'in base64, one byte further': (secret) => base64(`x${secret}yz`),
    'in base64, two bytes further': (secret) => base64(`xx${secret}y`),
    'in base64, three bytes further': (secret) => base64(`xxx${secret}`),
    'in base64url': (secret) => Buffer.from(`??>${secret}`).toString('base64url'),
    'in base64, percent-encoded': (secret) => encodeURIComponent(base64(`~${secret}~`)),
    'in hex': hex,
    'in hex, in capitals': (secret) => hex(secret).toUpperCase(),
    'as SHA-256 in hex': (secret) => sha256(secret, 'hex'),
    'as SHA-256 in base64': (secret) => sha256(secret, 'base64'),
    'as SHA-256 in base64url, cut as an ETag is': (secret) => `"${sha256(secret, 'base64url').slice(0, 27)}"`,
    'in bytes': (secret) => Buffer.from(`HTTP/1.1 200 OK\r\nX-A: ${secret}\r\n\r\n`),
    'in UTF-16 bytes': (secret) => Buffer.from(secret, 'utf16le'),
    'in an ArrayBuffer': (secret) => Uint8Array.from(Buffer.from(secret)).buffer,
    'across two chunks': (secret) => [Buffer.from(secret.slice(0, 5)), Buffer.from(secret.slice(5))],
    'across two texts': (secret) => [secret.slice(0, 7), secret.slice(7)],
    'in a deep member': (secret) => ({ a: [{ b: new Map([['c', new Set([secret])]]) }] }),
    'in a name': (secret) => ({ [secret]: 1 }),
    'in a symbol': (secret) => ({ [Symbol(secret)]: Symbol('other') }),
    'in headers': (secret) => new Headers({ 'x-a': secret }),
    'in a Response': (secret) => new Response('', { headers: { 'x-a': secret } }),
    'in a URL': (secret) => new URL(`https://x/?${new URLSearchParams({ a: secret }).toString()}`),
    'in search parameters': (secret) => new URLSearchParams({ a: secret }),
    'in an error': (secret) => new Error(secret),
    'in a cause of a cause': (secret) =>
      new Error('a', { cause: new Error('b', { cause: { request: { url: secret } } }) }),
    'in one of several errors': (secret) => new AggregateError([new Error(secret)], 'several'),
    'in a member that is not enumerable': (secret) => Object.defineProperty({}, 'hidden', { value: secret }),
    'in a getter': (secret) => ({
      get a() {
        return secret
      },
    }),
    'in what is only printed': (secret) => ({ [inspect.custom]: () => `printed ${secret}` }),
    'in a function’s member': (secret) => Object.assign(() => 0, { secret }),
    'in a circle': (secret) => {
      const one: Record<string, unknown> = { secret }
      return Object.assign(one, { one })
    },
  }

  test.each(Object.entries(disguises))('%s', (_, disguise) => {
    for (const name of NAMES) expect(scanner.find(disguise(secrets[name] ?? ''))).toEqual([name])
  })

  test('several at once, in the order of the list', () => {
    expect(scanner.find([secrets['signature'], { a: secrets['bucket'] }])).toEqual(['bucket', 'signature'])
  })

  test('the key that the store was asked for, where it has a slash', async () => {
    await store.get('acme/secret.jsonl', {}, signal)
    expect(scanner.find('GET /v1/acme%2Fsecret.jsonl')).toEqual(['key'])
    expect(scanner.find('the letter a')).toEqual([])
  })
})

describe('a ticket', () => {
  const tickets = createTickets({ keys: [{ id: 'a', secret: randomBytes(32) }] })
  const seal = async (): Promise<string> => {
    const principal = { issuer: 'i', subject: 's', organizations: [], capabilities: [], claims: {} }
    const tenant = { id: 't', name: 't' }
    const grant = { principal, tenant, exportId: 'e', version: 'v1', capability: 'c' }
    return (await tickets.seal(grant, 0)).text
  }

  test.each<[string, (ticket: string) => unknown]>([
    ['a log line', (ticket) => `GET /exports/1/download?sig=${ticket} 200`],
    ['a log line, percent-encoded', (ticket) => encodeURIComponent(`/download?sig=${ticket}`)],
    ['a header', (ticket) => new Headers({ referer: `https://a.example/?sig=${ticket}` })],
    ['an event', (ticket) => ({ type: 'ticket_issued', url: ticket })],
    ['lower case', (ticket) => ticket.toLowerCase()],
  ])('in %s', async (_, put) => {
    expect(scanner.find(put(await seal()))).toEqual(['ticket'])
  })
})

describe('nothing is found', () => {
  test.each([
    [undefined],
    [null],
    [''],
    [0],
    [{ a: [1n, true, new Date(0)] }],
    [Buffer.alloc(100_000, 'a')],
    ['%zz &#xffffff; &#9999999; \\u12 %'],
    [new Error('export_not_found')],
    [Object.defineProperty({}, 'bad', { get: () => refuse('internal') })],
    [{ [inspect.custom]: () => refuse('internal') }],
  ])('in %o', (seen) => {
    expect(scanner.find(seen)).toEqual([])
  })

  test('of another scanner', async () => {
    expect(createLeakScanner().find(secrets)).toEqual([])
  })
})

describe('plant', () => {
  const planted = (inner: ExportStore): ExportStore => scanner.plant(inner)
  const failing = (throws: () => never): ExportStore => ({
    head: async () => throws(),
    get: async () => throws(),
  })

  test('fills what the store gives with every secret', async () => {
    const object = await store.get('a', {}, signal)
    expect(scanner.find(object?.info)).toEqual(NAMES)
    expect(scanner.find(object?.info.validator)).toEqual(NAMES)
    expect(scanner.find({ ...object })).toEqual(NAMES)
    expect(scanner.find((await store.head('a', signal))?.validator)).toEqual(NAMES)
  })

  test.each(['message', 'stack', '$metadata', '$response', 'cause'])(
    'a foreign error tells of them in its %s',
    async (member) => {
      const inner = failing(() => {
        throw new Error('getaddrinfo ENOTFOUND')
      })
      const errors = [
        await rejection(planted(inner).head('a', signal)),
        await rejection(planted(inner).get('a', {}, signal)),
      ]
      for (const error of errors)
        expect(scanner.find(Reflect.get(Object(error), member)).length).toBeGreaterThan(1)
      expect(errors.map((error) => scanner.find(error))).toEqual([NAMES, NAMES])
    },
  )

  test('a refusal stays what it is, and its cause tells', async () => {
    const error = await rejection(
      planted(failing(() => refuse('unavailable', { retryAfterMs: 7 }))).head('a', signal),
    )
    expect(refusalDetail(error)).toEqual({ kind: 'unavailable', retryAfterMs: 7 })
    expect(error).toHaveProperty('message', 'unavailable')
    expect(scanner.find(Object.assign({}, error))).toEqual([])
    expect(scanner.find(error)).toEqual(NAMES)
  })

  test('an error in the middle of the bytes tells', async () => {
    const chaos = createChaosStore(createMemoryStore({ a: 'content' }), {
      faults: [{ does: 'throw', atByte: 3 }],
    })
    const object = await planted(chaos).get('a', {}, signal)
    const chunks = object?.chunks[Symbol.asyncIterator]()
    expect(await chunks?.next()).toMatchObject({ value: Uint8Array.from(Buffer.from('con')) })
    expect(scanner.find(await rejection(Promise.resolve(chunks?.next())))).toEqual(NAMES)
    expect(chaos.fired).toHaveLength(1)
  })

  test('the reason of the caller’s signal is left alone', async () => {
    const reason = new Error('the caller left')
    await expect(store.get('a', {}, AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  test('a pin is the planted validator', async () => {
    const info: ObjectInfo | undefined = await store.head('a', signal)
    expect(await store.get('a', { ifMatch: info?.validator ?? '' }, signal)).toBeDefined()
    await expect(store.get('a', { ifMatch: 'another' }, signal)).rejects.toThrow('object_changed')
  })

  const cases = storeContract(async () => {
    const memory = createMemoryStore()
    return {
      store: createLeakScanner().plant(memory),
      put: (key, bytes) => memory.put(key, bytes),
      remove: (key) => memory.remove(key),
    }
  })
  test.each(cases)('keeps the store contract: $title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
