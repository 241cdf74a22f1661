import { gzipSync } from 'node:zlib'

import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import { positionCoded, type StoreFixture, storeContract } from '@sallyport/core/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type Azurite, startAzurite } from '../../../scripts/servers/azurite.ts'
import { type FaultProxy, startFaultProxy } from '../../../scripts/servers/fault-proxy.ts'
import { createAzureBlobStore } from '../src/azure-blob.ts'
import { openAzureBlobStore } from '../src/azure-blob/store.ts'
import { createUpstream, defaultRuntime } from '../src/upstream/upstream.ts'
import { leaksIn } from './leaks.ts'
import { nobodyOpen, requestsReached, sizeReached } from './proxy-waits.ts'
import { endOf, firstByteOf, kindOf, readOn, reading } from './reading.ts'

const MIB = 1_048_576
const CONTAINER = 'containercanary'
const PREFIX = 'prefixcanary/acme'
const KEY = 'keycanary.jsonl'
const signal = new AbortController().signal
const bytes = positionCoded(16 * MIB)

// The cases of one server stand in one order: the last of them ends it.
describe('on Azurite', { timeout: 30_000 }, () => {
  let azurite: Azurite
  let proxy: FaultProxy
  let container: ContainerClient
  let fixture: StoreFixture

  beforeAll(async () => {
    azurite = await startAzurite()
    proxy = await startFaultProxy(azurite.port)
    container = containerVia(azurite.port)
    await container.create()
    const blobOf = (key: string) => container.getBlockBlobClient(`${PREFIX}/${key}`)
    fixture = {
      store: createAzureBlobStore({ container, prefix: PREFIX }),
      put: async (key, content) => void (await blobOf(key).uploadData(content)),
      remove: async (key) => void (await blobOf(key).deleteIfExists()),
    }
    await fixture.put(KEY, bytes)
  }, 60_000)
  afterAll(async () => {
    await proxy?.close()
    await azurite?.close()
  })
  beforeEach(async () => {
    proxy.setRule(() => ({}))
    proxy.killAll() // all clients share their idle connections
    await nobodyOpen(proxy)
    proxy.reset()
  })
  afterEach(() => azurite.daemon.thaw())

  const containerVia = (
    port: number,
    name = CONTAINER,
    connection = azurite.connectionString(port),
  ): ContainerClient =>
    BlobServiceClient.fromConnectionString(connection, {
      retryOptions: { maxTries: 2, retryDelayInMs: 50, maxRetryDelayInMs: 500 },
    }).getContainerClient(name)
  const viaProxy = () => createAzureBlobStore({ container: containerVia(proxy.port), prefix: PREFIX })
  const words = () => [
    CONTAINER,
    'prefixcanary',
    'keycanary',
    azurite.account,
    azurite.accountKey,
    '127.0.0.1',
    'signature',
    'x-ms-',
  ]
  const thrownBy = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => 'nothing',
      (error: unknown) => error,
    )
  /** The kind of a refusal, and what it gives away. */
  const refusal = async (asked: Promise<unknown>): Promise<readonly [string, readonly string[]]> => {
    const thrown = await thrownBy(asked)
    return [kindOf(thrown), leaksIn(thrown, words())]
  }

  describe('keeps the store contract', () => {
    test.each(storeContract(async () => fixture))('$title', async ({ run }) => {
      await expect(run()).resolves.toBeUndefined()
    })
  })

  describe('sends exactly one request', () => {
    test('for a whole blob, and the connection is used again', async () => {
      const store = viaProxy()
      expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
      expect(await endOf(await store.get(KEY, {}, signal))).toEqual(reading(bytes))
      expect(proxy.requests.map((head) => head.split(' ')[0])).toEqual(['GET', 'GET'])
      expect(proxy.traffic).toHaveLength(1)
    })

    test('for a pinned range, with one canonical range and one strong entity-tag', async () => {
      const info = await fixture.store.head(KEY, signal)
      const pinned = { range: { first: 1_000_000, last: 1_999_999 }, ifMatch: info?.validator ?? '' }
      expect(await endOf(await viaProxy().get(KEY, pinned, signal))).toEqual(
        reading(bytes.subarray(1_000_000, 2_000_000)),
      )
      expect(proxy.requests).toHaveLength(1)
      expect(proxy.requests[0]).toMatch(/^x-ms-range: bytes=1000000-1999999\r$/im)
      expect(proxy.requests[0]).toMatch(/^if-match: "[^"]+"\r$/im)
    })
  })

  test('a request that the client sends again after a refused connection is read whole', async () => {
    proxy.setRule((nth) => (nth === 1 ? { refuse: true } : {}))
    expect(await endOf(await viaProxy().get(KEY, {}, signal))).toEqual(reading(bytes))
    expect(proxy.traffic).toHaveLength(2)
  })

  test('a blob that is stored as gzip is described as gzip and not decoded', async () => {
    const zipped = gzipSync(bytes.subarray(0, 100_000))
    const blobHTTPHeaders = { blobContentEncoding: 'gzip' }
    await container.getBlockBlobClient(`${PREFIX}/zipped`).uploadData(zipped, { blobHTTPHeaders })
    const object = await fixture.store.get('zipped', {}, signal)
    expect(object?.info).toMatchObject({ size: zipped.length, encoding: 'gzip' })
    expect(await endOf(object)).toEqual(reading(zipped))
  })

  test.each([
    ['GZIP', 'gzip'],
    ['x-gzip', 'gzip'],
    ['br', 'br'],
    ['zstd', 'zstd'],
    ['utf-8', undefined],
  ])('a blob stored with Content-Encoding: %s is described as %s, as it is', async (stored, encoding) => {
    const codes: string[] = []
    const store = createAzureBlobStore({ container: containerVia(azurite.port), prefix: PREFIX })
    store.onTrouble?.((code) => void codes.push(code))
    const blobHTTPHeaders = { blobContentEncoding: stored }
    await container.getBlockBlobClient(`${PREFIX}/coded`).uploadData(bytes, { blobHTTPHeaders })
    expect((await store.head('coded', signal))?.encoding).toBe(encoding)
    const object = await store.get('coded', {}, signal)
    expect(object?.info.encoding).toBe(encoding)
    expect(await endOf(object)).toEqual(reading(bytes))
    expect(codes).toEqual(stored === 'utf-8' ? ['encoding_ignored'] : [])
  })

  test.each(['hdi_isfolder', 'Hdi_IsFolder'])('a mark of a folder (%s) is no blob', async (name) => {
    const blob = container.getBlockBlobClient(`${PREFIX}/folder`)
    await blob.uploadData(Buffer.alloc(0), { metadata: { [name]: 'true' } })
    expect(await fixture.store.head('folder', signal).catch(kindOf)).toBe('upstream_error')
    expect(await fixture.store.get('folder', {}, signal).catch(kindOf)).toBe('upstream_error')
  })

  describe('an append blob', () => {
    const piece = positionCoded(100_000)
    const grown = async (name: string) => {
      const blob = container.getAppendBlobClient(`${PREFIX}/${name}`)
      await blob.create()
      const grow = async (): Promise<void> => void (await blob.appendBlock(piece, piece.length))
      await grow()
      return { name, grow }
    }

    test('is read whole, as it was when it was opened', async () => {
      const { name, grow } = await grown('log-opened')
      const opened = await fixture.store.get(name, {}, signal)
      await grow()
      expect(await endOf(opened)).toEqual(reading(piece))
      expect((await fixture.store.head(name, signal))?.size).toBe(2 * piece.length)
    })

    test('that grew after it was described is refused', async () => {
      const { name, grow } = await grown('log-described')
      const info = await fixture.store.head(name, signal)
      await grow()
      const pinned = { range: { first: 10, last: 19 }, ifMatch: info?.validator ?? '' }
      expect(await fixture.store.get(name, pinned, signal).catch(kindOf)).toBe('object_changed')
    })
  })

  describe("keys: 'literal'", () => {
    const store = () =>
      createAzureBlobStore({ container: containerVia(azurite.port), prefix: PREFIX, keys: 'literal' })

    test.each(['/led', 'two//slashes', '/both/', 'a%2Fb', '...', 'ä b'])('%j is that blob', async (key) => {
      await container.getBlockBlobClient(`${PREFIX}/${key}`).uploadData(Buffer.from(key))
      expect(await endOf(await store().get(key, {}, signal))).toEqual(reading(Buffer.from(key)))
    })

    test.each(['.', '..', '../x', 'a/../../x', './x', 'x/.', String.raw`..\x`])(
      '%j is refused, because the SDK would resolve it',
      async (key) => {
        await container.getBlockBlobClient('x').uploadData(Buffer.from('outside'))
        expect(await store().get(key, {}, signal).catch(kindOf)).toBe('upstream_error')
      },
    )
  })

  test('a missing container is refused, and the refusal reveals nothing', async () => {
    const store = createAzureBlobStore({ container: containerVia(azurite.port, `${CONTAINER}-missing`) })
    expect(await refusal(store.get(KEY, {}, signal))).toEqual(['upstream_error', []])
    expect(await refusal(store.head(KEY, signal))).toEqual(['upstream_error', []])
  })

  test('a wrong account key is refused, and the refusal reveals nothing', async () => {
    const forged = azurite
      .connectionString()
      .replace(azurite.accountKey, Buffer.alloc(32, 7).toString('base64'))
    const store = createAzureBlobStore({ container: containerVia(azurite.port, CONTAINER, forged) })
    expect(await refusal(store.get(KEY, {}, signal))).toEqual(['upstream_error', []])
    expect(await refusal(store.head(KEY, signal))).toEqual(['upstream_error', []])
  })

  test('a validator of another kind of store matches no object', async () => {
    expect(await fixture.store.get(KEY, { ifMatch: '300-1771000000' }, signal).catch(kindOf)).toBe(
      'object_changed',
    )
    expect(await fixture.store.get('missing', { ifMatch: '300-1771000000' }, signal)).toBeUndefined()
  })

  describe('a body', () => {
    test.each(['reset', 'end'] as const)(
      'that is cut by a %s fails after the bytes that came',
      async (how) => {
        proxy.setRule(() => ({ cutAfter: 3 * MIB, how }))
        const { size, end } = await endOf(await viaProxy().get(KEY, {}, signal))
        expect(end).toBe('unavailable')
        expect(size).toBeLessThan(3 * MIB)
        expect(proxy.requests).toHaveLength(1)
      },
    )

    test('that stalls rejects when it is closed, and holds no connection', async () => {
      proxy.setRule(() => ({ cutAfter: 3 * MIB, how: 'stall' }))
      const object = await viaProxy().get(KEY, {}, signal)
      const stalled = thrownBy(readOn(object))
      await sizeReached(proxy, 3 * MIB)
      object?.close()
      expect(kindOf(await stalled)).toBe('unavailable')
      await nobodyOpen(proxy)
    })

    test('of a frozen server continues when the server does', async () => {
      const object = await viaProxy().get(KEY, {}, signal)
      azurite.daemon.freeze()
      const read = endOf(object)
      azurite.daemon.thaw()
      expect(await read).toEqual(reading(bytes))
    })
  })

  describe('a head', () => {
    test('that never comes is refused in time, however long the client would wait', async () => {
      const upstream = createUpstream({ ...defaultRuntime, headersMs: 300, connections: () => Infinity })
      const store = openAzureBlobStore({ container, prefix: PREFIX }, upstream)
      azurite.daemon.freeze()
      const begun = performance.now()
      expect(await refusal(store.get(KEY, {}, signal))).toEqual(['unavailable', []])
      expect(await refusal(store.head(KEY, signal))).toEqual(['unavailable', []])
      expect(performance.now() - begun).toBeLessThan(3000)
    })

    test('is released at once when its caller leaves', async () => {
      azurite.daemon.freeze()
      const caller = new AbortController()
      const asked = thrownBy(viaProxy().get(KEY, {}, caller.signal))
      await requestsReached(proxy, 1)
      caller.abort('left')
      expect(await asked).toBe('left')
      await nobodyOpen(proxy)
    })
  })

  test('200 aborted and unread downloads leave no connection', async () => {
    const store = viaProxy()
    const ask = async (nth: number): Promise<void> => {
      const caller = new AbortController()
      const asked = store.get(KEY, {}, caller.signal)
      if (nth % 2 === 0) setImmediate(() => caller.abort())
      ;(await asked.catch(() => undefined))?.close()
    }
    for (let batch = 0; batch < 10; batch++)
      await Promise.all(Array.from({ length: 20 }, (_, nth) => ask(nth)))
    expect(await store.head(KEY, signal)).toMatchObject({ size: bytes.length })
    await expect.poll(() => proxy.openNow(), { timeout: 15_000 }).toBeLessThanOrEqual(1)
  })

  test('a server that is killed cuts its bodies, and refuses from then on', async () => {
    const object = await firstByteOf(fixture.store, KEY)
    await azurite.daemon.end()
    expect((await endOf(object)).end).toBe('unavailable')
    expect(await refusal(fixture.store.get(KEY, {}, signal))).toEqual(['unavailable', []])
    expect(await refusal(fixture.store.head(KEY, signal))).toEqual(['unavailable', []])
  })
})
