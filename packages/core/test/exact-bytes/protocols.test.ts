import { execFile } from 'node:child_process'

import { describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { key, openGuard, path, until } from './guard.ts'
import { readToEnd } from './raw.ts'
import { protocols, wire } from './wires.ts'

const size = 2_000_003
const whole = Buffer.from(positionCoded(size))
const delivery = { resume: { attempts: 0, withinMs: 1_000 } }
const holding = createMemoryStore({ [key]: whole })
const cutting = (): ReturnType<typeof createChaosStore> =>
  createChaosStore(holding, { faults: [{ does: 'cut', atByte: 1_000_000, times: 9 }] })

const get = (version: string, fields = ''): string =>
  `GET ${path} HTTP/${version}\r\nHost: test\r\nAuthorization: Bearer token\r\n${fields}\r\n`

const head = (text: Buffer): string => text.subarray(0, text.indexOf('\r\n\r\n')).toString('latin1')
const body = (text: Buffer): Buffer => text.subarray(text.indexOf('\r\n\r\n') + 4)

describe.each(['http/1.1', 'https'] as const)('HTTP/1.0 over %s', (protocol) => {
  test('gets the whole body, with its length', async () => {
    const server = await wire(protocol, openGuard(holding).handler)
    const socket = server.connect()
    socket.write(get('1.0'))
    const { text, ended } = await readToEnd(socket)
    expect(ended).toBe('ended')
    expect(head(text)).toContain(`\r\nContent-Length: ${size}`)
    expect(head(text)).not.toMatch(/transfer-encoding/i)
    expect(body(text).equals(whole)).toBe(true)
    await server.close()
  })
})

describe.each(protocols)('a cut over %s', (protocol) => {
  test('is a reset, never a normal end', async () => {
    const guard = openGuard(cutting(), { delivery })
    const server = await wire(protocol, guard.handler)
    const { status, bytes, broke } = await server.download()
    expect([status, broke]).toEqual([200, protocol === 'http/2' ? 'INTERNAL_ERROR' : 'ECONNRESET'])
    expect(bytes.equals(whole.subarray(0, bytes.length))).toBe(true)
    expect(bytes.length).toBeLessThan(size)
    await until(() => guard.ended().length === 1)
    expect(guard.ended()).toMatchObject([
      { outcome: 'store_cut', bytesPromised: size, bytesSent: 1_000_000, attempts: 1 },
    ])
    await server.close()
  })

  test('before the first byte is a clean 503', async () => {
    const chaos = createChaosStore(holding, { faults: [{ does: 'cut', atByte: 0, times: 9 }] })
    const server = await wire(protocol, openGuard(chaos, { delivery }).handler)
    const { status, broke } = await server.download()
    expect([status, broke]).toEqual([503, undefined])
    await server.close()
  })
})

test('a single-value field that is sent twice is malformed', async () => {
  const server = await wire('http/1.1', openGuard(holding).handler)
  const status = async (fields: string): Promise<string> => {
    const socket = server.connect()
    socket.write(get('1.1', `Connection: close\r\n${fields}`))
    return head((await readToEnd(socket)).text).slice(9, 12)
  }
  const range = 'Range: bytes=0-9\r\n'
  const tag = 'If-Range: "x"\r\n'
  expect(await status(range)).toBe('206')
  expect(await status(range + range)).toBe('200')
  expect(await status(range + tag + tag)).toBe('200')
  expect(await status('Authorization: Bearer token\r\n')).toBe('401')
  await server.close()
})

describe.skipIf(!isHere('curl'))('curl', () => {
  const curl = (port: number, ...options: string[]): Promise<{ code: number; bytes: Buffer }> =>
    new Promise((resolve) => {
      const args = ['-s', '-H', 'Authorization: Bearer token', ...options, `http://127.0.0.1:${port}${path}`]
      execFile('curl', args, { encoding: 'buffer', maxBuffer: 2 * size }, (error, bytes) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, bytes }),
      )
    })
  const versions: [string, 'http/1.1' | 'http/2', string][] = [
    ['HTTP/1.0', 'http/1.1', '-0'],
    ['HTTP/1.1', 'http/1.1', '--http1.1'],
    ['HTTP/2', 'http/2', '--http2-prior-knowledge'],
  ]
  test.each(versions)('over %s gets the whole body, or fails', async (_, protocol, option) => {
    const good = await wire(protocol, openGuard(holding).handler)
    const all = await curl(good.port, option)
    expect([all.code, all.bytes.equals(whole)]).toEqual([0, true])
    await good.close()
    const bad = await wire(protocol, openGuard(cutting(), { delivery }).handler)
    const some = await curl(bad.port, option)
    // Transfer closed early, failure in receiving, HTTP/2 stream error.
    expect([18, 56, 92]).toContain(some.code)
    expect(some.bytes.equals(whole.subarray(0, some.bytes.length))).toBe(true)
    await bad.close()
  })
})
