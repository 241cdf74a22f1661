import type { S3Client } from '@aws-sdk/client-s3'

import { membersOf } from '../upstream/fault.ts'
import { isTranscoded, readAnswer, type S3Answer } from './answer.ts'
import type { HttpAnswer, SendHttp, SignedRequest } from './connections.ts'
import { learnRoute, type Route } from './route.ts'
import { createSendBySdk, type S3Request } from './sdk-request.ts'
import { usualConnections } from './usual-client.ts'

/** How long a learned route is used. An endpoint may move. */
const ROUTE_MS = 900_000
/** How long all requests are the SDK's after it has opened what was refused here, and how long a failed lesson is not repeated. */
const REST_MS = 10_000

/**
 * Answers whose reason the SDK knows or can remedy: another region, a wrong clock, expired credentials, a policy. The same request
 * is then sent once more by the SDK. Their bodies repeat the signature, and undici would publish them.
 */
const FOR_THE_SDK: ReadonlySet<number> = new Set([300, 301, 302, 303, 307, 308, 400, 401, 403])

/**
 * Creates the sender of one store. The SDK sends the first request. What it signed shows the way to the bucket, and from then on the
 * store signs by itself and sends by undici, which takes a small part of the CPU of a call of the SDK. The SDK sends all requests if
 * its signature cannot be reproduced, or if {@link usualConnections} says so.
 *
 * @param now - milliseconds since 1970
 */
export function createSend(
  client: S3Client,
  now: () => number = Date.now,
): (request: S3Request, signal: AbortSignal) => Promise<S3Answer> {
  const sendBySdk = createSendBySdk(client)
  let route: (Route & { readonly send: SendHttp }) | undefined
  let learnAt = -Infinity
  let restUntil = -Infinity

  const learn = async (sent: unknown, key: string): Promise<typeof route> => {
    const learned = learnRoute(sent, key, await client.config.credentials())
    const send = learned && usualConnections(client, learned.origin.startsWith('https:'), FOR_THE_SDK)
    return send && { ...learned, send }
  }
  const bySdk = async (request: S3Request, signal: AbortSignal): Promise<S3Answer> => {
    const isLesson = now() >= learnAt
    if (isLesson && route) learnAt = now() + REST_MS // the others keep the route meanwhile
    const { answer, sent } = await sendBySdk(request, signal)
    if (isLesson) {
      route = await learn(sent, request.input.Key).catch(() => undefined)
      learnAt = now() + (route ? ROUTE_MS : REST_MS)
    }
    return answer
  }
  const sign = async (by: Route, request: S3Request): Promise<SignedRequest | undefined> => {
    const { credentials, systemClockOffset } = client.config
    // Without credentials the SDK fails too, with an error that the store can classify.
    const keys = await credentials().catch(() => undefined)
    return keys && by.sign(request, keys, now() + systemClockOffset)
  }

  return async (request, signal) => {
    const known = now() >= restUntil && now() < learnAt ? route : undefined
    const signed = known && (await sign(known, request))
    if (!signed) return bySdk(request, signal)
    signal.throwIfAborted()
    const answer = await sendStored(known.send, known.origin, signed, signal).catch(nameTheLost)
    if (!FOR_THE_SDK.has(answer.status)) return readAnswer(answer)
    const opened = await bySdk(request, signal)
    route = undefined
    learnAt = -Infinity
    restUntil = now() + REST_MS
    return opened
  }
}

/** Sends a request, so that the response has the object as it is stored. */
async function sendStored(
  sendHttp: SendHttp,
  origin: string,
  request: SignedRequest,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const answer = await sendHttp(origin, request, signal)
  if (!isTranscoded(answer.headers)) return answer
  answer.body?.close()
  const headers = { ...request.headers, 'accept-encoding': 'gzip' }
  return sendHttp(origin, { ...request, headers }, signal)
}

/** Gives undici's error for a connection that the server closed while it was idle the name that all others have. */
function nameTheLost(error: unknown): never {
  if (membersOf(error).code !== 'UND_ERR_SOCKET') throw error
  throw Object.assign(new Error('the connection was lost'), { code: 'ECONNRESET' })
}
