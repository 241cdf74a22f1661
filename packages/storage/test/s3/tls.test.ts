import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { type CannedStore } from '../../../../scripts/servers/canned-store.ts'
import { makeCertificate, startTlsFront, type TlsFront } from '../../../../scripts/servers/tls-front.ts'
import { createS3Store } from '../../src/s3.ts'
import { leaksIn } from '../leaks.ts'
import { endOf, kindOf, reading } from '../reading.ts'
import { bytes, startAnswers } from './canned-answers.ts'
import { BUCKET, isSdk, s3Client } from './scene.ts'

const signal = new AbortController().signal
const keys = { accessKeyId: 'AKCANARY', secretAccessKey: 'x' }

describe.skipIf(!isHere('openssl'))('over TLS', () => {
  let server: CannedStore
  let front: TlsFront
  beforeAll(async () => {
    server = await startAnswers()
    front = await startTlsFront(server.port)
  })
  afterAll(async () => {
    await front.close()
    await server.close()
  })

  const storeWith = (httpsAgent: object, port = front.port) =>
    createS3Store({
      client: s3Client({
        port,
        keys,
        endpoint: `https://127.0.0.1:${port}`,
        requestHandler: { httpsAgent },
      }),
      bucket: BUCKET,
    })

  test.each([
    ['ca', () => ({ ca: front.ca })],
    ['ca, minVersion and numbers', () => ({ ca: front.ca, minVersion: 'TLSv1.3', maxSockets: 3 })],
    ['rejectUnauthorized', () => ({ rejectUnauthorized: false })],
  ])("the agent's %s counts for the SDK and for the store", async (_, agent) => {
    const store = storeWith(agent())
    const before = server.requests.length
    for (let nth = 0; nth < 2; nth++)
      expect(await endOf(await store.get('digest', {}, signal))).toEqual(reading(bytes))
    expect(server.requests.slice(before).map(isSdk)).toEqual([true, false])
  })

  test("with an agent's checkServerIdentity or servername the SDK sends all", async () => {
    for (const more of [{ checkServerIdentity: () => undefined }, { servername: '' }]) {
      const store = storeWith({ ca: front.ca, ...more })
      const before = server.requests.length
      for (let nth = 0; nth < 2; nth++)
        expect(await endOf(await store.get('digest', {}, signal))).toEqual(reading(bytes))
      expect(server.requests.slice(before).map(isSdk)).toEqual([true, true])
    }
  })

  test.each([
    ['of another authority', makeCertificate, () => ''],
    ['for another server', () => makeCertificate('DNS:elsewhere.example'), (cert: string) => cert],
  ])('a certificate %s, shown later, is refused by the store, too', async (_, make, trusted) => {
    const own = await startTlsFront(server.port)
    try {
      const certificate = make()
      const ca = own.ca + trusted(certificate.cert)
      const store = storeWith({ ca }, own.port)
      for (let nth = 0; nth < 2; nth++) (await store.get('digest', {}, signal))?.close()
      expect(server.requests.slice(-2).map(isSdk)).toEqual([true, false])
      own.show(certificate)
      const before = server.requests.length
      const thrown: unknown = await store.get('digest', {}, signal).catch((error: unknown) => error)
      expect(kindOf(thrown)).toBe('unavailable')
      expect(leaksIn(thrown, [BUCKET, 'AKCANARY', '127.0.0.1', 'elsewhere', 'CERTIFICATE--'])).toEqual([])
      expect(server.requests).toHaveLength(before)
    } finally {
      await own.close()
    }
  })

  test.each([
    ['without the authority', () => ({})],
    ['with another authority', () => ({ ca: makeCertificate().cert })],
  ])('%s nothing is sent, and the refusal reveals nothing', async (_, agent) => {
    const before = server.requests.length
    const thrown: unknown = await storeWith(agent())
      .get('digest', {}, signal)
      .catch((error: unknown) => error)
    expect(kindOf(thrown)).toBe('unavailable')
    expect(leaksIn(thrown, [BUCKET, 'AKCANARY', '127.0.0.1', 'BEGIN CERTIFICATE'])).toEqual([])
    expect(server.requests).toHaveLength(before)
  })
})
