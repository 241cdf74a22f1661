import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'

import { S3Client } from '@aws-sdk/client-s3'

import { createConnections, type SendHttp } from './connections.ts'
import { configsOf, member, socketsOf } from './upstream-of.ts'

const connections = new WeakMap<HttpAgent, SendHttp>()

/**
 * The connections of a client over which this package may send the client's requests. All stores of the client share them.
 *
 * It may if the client's middleware, endpoint resolver and HTTP handler are those that the SDK makes, and its agents are Node's
 * own, with nothing set but numbers, timeouts and {@link TLS}. Other settings, such as a proxy, a `lookup` or a header that a
 * middleware adds, were meant for every request.
 *
 * @param secure - whether the endpoint is `https:`
 * @param unread - as for `createConnections`
 * @returns `undefined`: only the SDK may send. Also before the first request of the client, because the SDK creates its agents then
 */
export function usualConnections(
  client: S3Client,
  secure: boolean,
  unread: ReadonlySet<number>,
): SendHttp | undefined {
  const { config, middlewareStack } = client
  usualClient ??= new S3Client({ region: 'nowhere' }) // for comparison; it sends nothing
  const usual = usualClient
  const { requestHandler, endpointProvider } = config
  const { constructor } = requestHandler
  const isUsual =
    endpointProvider === usual.config.endpointProvider &&
    middlewareStack.identify().join() === usual.middlewareStack.identify().join() &&
    (constructor === usual.config.requestHandler.constructor || isNodeHttpHandler(constructor)) &&
    !hasOwnFunctions(requestHandler)
  if (!isUsual) return undefined
  const agent = member(configsOf(requestHandler), secure ? 'httpsAgent' : 'httpAgent')
  const { prototype } = secure ? HttpsAgent : HttpAgent
  if (!(agent instanceof HttpAgent) || Object.getPrototypeOf(agent) !== prototype || hasOwnFunctions(agent))
    return undefined
  const options = member(agent, 'options')
  if (typeof options !== 'object' || options === null) return undefined // what the host set cannot be seen
  const set = Object.entries(options).filter(
    ([name, value]: [string, unknown]) => value !== undefined && value !== null && !HARMLESS.has(name),
  )
  if (!set.every(([name]) => secure && TLS.has(name))) return undefined
  const made = connections.get(agent) ?? createConnections(socketsOf(client), Object.fromEntries(set), unread)
  connections.set(agent, made)
  return made
}

let usualClient: S3Client | undefined

/** The SDK's own class, of another copy of the SDK. */
const isNodeHttpHandler = (constructor: unknown): boolean =>
  typeof constructor === 'function' &&
  constructor.name === 'NodeHttpHandler' &&
  Object.getPrototypeOf(constructor) === Function.prototype

const hasOwnFunctions = (value: object): boolean =>
  Object.values(value).some((one) => typeof one === 'function')

const HARMLESS: ReadonlySet<string> = new Set(
  `agentKeepAliveTimeoutBuffer defaultPort keepAlive keepAliveMsecs maxCachedSessions maxFreeSockets maxSockets
   maxTotalSockets noDelay protocol scheduling timeout`.split(/\s+/),
)

const TLS: ReadonlySet<string> = new Set(
  'ca cert ciphers key maxVersion minVersion passphrase pfx rejectUnauthorized'.split(' '),
)
