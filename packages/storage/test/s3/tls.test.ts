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

  const storeWith = (httpsAgent: object) =>
    createS3Store({
      client: s3Client({
        port: front.port,
        keys,
        endpoint: `https://127.0.0.1:${front.port}`,
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
