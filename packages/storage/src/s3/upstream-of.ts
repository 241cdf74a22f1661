import type { S3Client } from '@aws-sdk/client-s3'

import { createUpstream, defaultRuntime, type Upstream } from '../upstream/upstream.ts'

const upstreams = new WeakMap<S3Client, Upstream>()

/** One for all stores of a client: they share its sockets, and most often its fate. */
export function upstreamOf(client: S3Client): Upstream {
  const upstream =
    upstreams.get(client) ?? createUpstream({ ...defaultRuntime, connections: () => socketsOf(client) })
  upstreams.set(client, upstream)
  return upstream
}

const USUAL_SOCKETS = 50

/** How many sockets the client may open to one host; the SDK's own default until it has made its agent. */
export function socketsOf({ config: { requestHandler } }: S3Client): number {
  const configs = configsOf(requestHandler)
  // The plain agent is made by the first request that is not encrypted, the other one always.
  const agent = member(configs, 'httpAgent') ?? member(configs, 'httpsAgent')
  const sockets = member(agent, 'maxSockets')
  return typeof sockets === 'number' && sockets >= 1 ? sockets : USUAL_SOCKETS
}

/** What an HTTP handler of the SDK says of itself: nothing before its first request. */
export const configsOf = (handler: object): unknown =>
  tellsConfigs(handler) ? handler.httpHandlerConfigs() : undefined

const tellsConfigs = (handler: object): handler is { httpHandlerConfigs(): unknown } =>
  'httpHandlerConfigs' in handler && typeof handler.httpHandlerConfigs === 'function'

/** A member of anything. */
export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined
