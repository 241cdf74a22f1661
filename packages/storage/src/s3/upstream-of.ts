import type { S3Client } from '@aws-sdk/client-s3'

import { createUpstream, defaultRuntime, type Upstream } from '../upstream/upstream.ts'

const upstreams = new WeakMap<S3Client, Upstream>()

/** The one upstream of all stores of a client: they share its sockets, and usually its outages. */
export function upstreamOf(client: S3Client): Upstream {
  const upstream =
    upstreams.get(client) ?? createUpstream({ ...defaultRuntime, connections: () => socketsOf(client) })
  upstreams.set(client, upstream)
  return upstream
}

/** How many sockets the client may open to one host. Until the client has created its agent, 50: the SDK's default. */
export function socketsOf({ config: { requestHandler } }: S3Client): number {
  const configs = configsOf(requestHandler)
  // The SDK creates `httpAgent` only at the first unencrypted request, and `httpsAgent` always.
  const agent = member(configs, 'httpAgent') ?? member(configs, 'httpsAgent')
  const sockets = member(agent, 'maxSockets')
  return typeof sockets === 'number' && sockets >= 1 ? sockets : 50
}

/** The configuration of an HTTP handler of the SDK. It is empty before the first request. */
export const configsOf = (handler: object): unknown =>
  hasConfigs(handler) ? handler.httpHandlerConfigs() : undefined

const hasConfigs = (handler: object): handler is { httpHandlerConfigs(): unknown } =>
  'httpHandlerConfigs' in handler && typeof handler.httpHandlerConfigs === 'function'

/** Reads a member of any value. `undefined`: the value is not an object, or has no such member. */
export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined
