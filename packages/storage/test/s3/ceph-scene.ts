import { Agent as HttpsAgent } from 'node:https'

import type { S3Client } from '@aws-sdk/client-s3'
import type { ExportStore } from '@sallyport/core'

import { type Ceph, startCeph } from '../../../../scripts/servers/ceph.ts'
import { type FaultProxy, startFaultProxy } from '../../../../scripts/servers/fault-proxy.ts'
import { startTlsFront } from '../../../../scripts/servers/tls-front.ts'
import { endOf, kindOf } from '../reading.ts'
import {
  BUCKET,
  createBucket,
  KEY,
  LEARNING,
  PREFIX,
  REGION,
  s3Client,
  s3Fixture,
  type ways,
} from './scene.ts'

/** A Ceph object gateway with an empty bucket, and a proxy before it. */
export interface CephScene {
  readonly ceph: Ceph
  readonly proxy: FaultProxy
  /** The bucket's owner, past the proxy. */
  readonly client: S3Client
  /** The owner's client, by default through the proxy, over TLS if the way says so. */
  clientBy(way: string, agent?: { readonly maxSockets?: number }, past?: 'the proxy'): S3Client
  /** What no refusal may carry. */
  readonly words: readonly string[]
  close(): Promise<void>
}

export async function startCephScene(): Promise<CephScene> {
  const ceph = await startCeph()
  const proxy = await startFaultProxy(ceph.port)
  const front = await startTlsFront(proxy.port)
  const directFront = await startTlsFront(ceph.port)
  const { owner, stranger } = ceph
  await createBucket({ port: ceph.port, keys: owner }, BUCKET)
  const client = s3Client({ port: ceph.port, keys: owner })
  await s3Fixture(client).put(LEARNING, Buffer.from('x'))
  const keyIds = [owner.accessKeyId, stranger.accessKeyId]
  return {
    ceph,
    proxy,
    client,
    clientBy: (way, agent = {}, past) => {
      const [plain, secure] = past ? [ceph.port, directFront] : [proxy.port, front]
      if (!way.endsWith('over TLS'))
        return s3Client({ port: plain, keys: owner, requestHandler: { httpAgent: agent } })
      const { port, ca } = secure
      const endpoint = `https://127.0.0.1:${port}`
      // Not its options alone: for uploads of more than 2 MiB the SDK would make an agent without them.
      const httpsAgent = new HttpsAgent({ ca, keepAlive: true, ...agent })
      return s3Client({ port, endpoint, keys: owner, requestHandler: { httpsAgent } })
    },
    words: [BUCKET, 'prefixcanary', 'keycanary', REGION, ...keyIds, '127.0.0.1', 'signature='],
    close: async () => {
      await front.close()
      await directFront.close()
      await proxy.close()
      await ceph.close()
    },
  }
}

/** Stores that the gateway turns away: by the credentials or by the bucket. */
export const turnedAway = ['a stranger', 'a wrong secret', 'an unknown key', 'a missing bucket'] as const

export function turnedAwayStore(
  who: (typeof turnedAway)[number],
  create: (typeof ways)[number][1],
  { ceph: { port, owner, stranger }, client }: CephScene,
  more: { readonly forbiddenIsMissing?: boolean } = {},
): ExportStore {
  const at = { bucket: BUCKET, prefix: PREFIX, ...more }
  switch (who) {
    case 'a stranger':
      return create({ client: s3Client({ port, keys: stranger }), ...at })
    case 'a wrong secret':
      return create({ client: s3Client({ port, keys: { ...owner, secretAccessKey: 'wrong' } }), ...at })
    case 'an unknown key':
      return create({
        client: s3Client({ port, keys: { accessKeyId: 'AKNOBODYCANARY', secretAccessKey: 'x' } }),
        ...at,
      })
    case 'a missing bucket':
      return create({ client, ...at, bucket: `${BUCKET}-missing` })
  }
}

/** Requests of every kind, of an object of so many bytes under KEY: answered, refused, closed early, left, read. */
export async function requestsOfEveryKind(
  store: ExportStore,
  size: number,
): Promise<readonly (() => Promise<unknown>)[]> {
  const { signal } = new AbortController()
  const { validator = '' } = (await store.head(KEY, signal)) ?? {}
  const behind = { ifMatch: validator, range: { first: size, last: size + 9 } }
  return [
    () => store.head(KEY, signal),
    () => store.head('missing', signal),
    () => store.get('missing', {}, signal),
    () => store.get(KEY, { ifMatch: '"0123456789abcdef0123456789abcdef"' }, signal).catch(kindOf),
    () => store.get(KEY, behind, signal).catch(kindOf),
    () => leftAfter(0, (early) => store.get(KEY, {}, early)),
    () => leftAfter(3, (early) => store.get(KEY, {}, early)),
    async () => (await store.get(KEY, {}, signal))?.close(),
    async () => {
      const object = await store.get(KEY, {}, signal)
      await object?.chunks[Symbol.asyncIterator]().next()
      object?.close()
    },
    async () => endOf(await store.get(KEY, { range: { first: 0, last: 99 } }, signal)),
  ]
}

/** Asks, and leaves after so many turns of the loop; closes what it got nevertheless. */
async function leftAfter(
  turns: number,
  ask: (signal: AbortSignal) => ReturnType<ExportStore['get']>,
): Promise<void> {
  const caller = new AbortController()
  const asked = ask(caller.signal)
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
  caller.abort()
  await asked.then(
    (object) => object?.close(),
    () => undefined,
  )
}
