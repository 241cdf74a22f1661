import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'

import { S3Client } from '@aws-sdk/client-s3'

import { configsOf, member } from '../s3/upstream-of.ts'

/**
 * A signed GET connects by itself: past a handler that records or relays, an agent with a proxy, a CA or a certificate.
 * Whoever set one of these meant it for every request.
 *
 * @throws TypeError, where the client's HTTP handler is not the SDK's own
 */
export function checkHandler({ config: { requestHandler } }: S3Client): void {
  const { constructor } = requestHandler
  const own = Object.values(requestHandler).some((value) => typeof value === 'function')
  if (!own && (constructor === usualHandler() || isNamedSo(constructor))) return
  throw refusal('its requestHandler is not the one that the SDK makes')
}

/**
 * The same for the handler's agents, which it tells of only once it has made them.
 *
 * @throws TypeError, where one of them is of another class, or set to more than numbers of sockets and timeouts
 */
export async function checkAgents({ config: { requestHandler, endpoint } }: S3Client): Promise<void> {
  // An aborted request sends nothing, but makes the SDK create its agent. It uses the endpoint's protocol: otherwise the SDK
  // creates an unused agent, and `socketsOf` reads its limit.
  const { protocol = 'https:' } = (await endpoint?.().catch(() => undefined)) ?? {}
  await requestHandler
    .handle({ ...NOWHERE, protocol }, { abortSignal: AbortSignal.abort() })
    .catch(() => undefined)
  const configs = configsOf(requestHandler)
  const httpAgent = member(configs, 'httpAgent') ?? (await made(member(configs, 'httpAgentProvider')))
  for (const [name, agent] of Object.entries({ httpAgent, httpsAgent: member(configs, 'httpsAgent') })) {
    if (name === 'httpAgent' && agent === undefined && protocol === 'https:') continue // there is none to go past
    const fault = agent instanceof HttpAgent ? faultOf(agent) : 'is of another class'
    if (fault !== undefined) throw refusal(`its requestHandler.${name} ${fault}`)
  }
}

const made = (provider: unknown): unknown =>
  typeof provider === 'function' ? (Reflect.apply(provider, undefined, []) as unknown) : undefined

const refusal = (why: string): TypeError =>
  new TypeError(
    `createSignedS3Store: client: ${why}, and a signed GET does not go through it; ` +
      'use createS3Store of @sallyport/storage/s3, or leave the handler to the SDK, with timeouts and maxSockets at most',
  )

const usualHandler = (): unknown => {
  const client = new S3Client({ region: 'nowhere' })
  client.destroy()
  return client.config.requestHandler.constructor
}

/** The SDK's own class, of another copy of the SDK. */
const isNamedSo = (constructor: unknown): boolean =>
  typeof constructor === 'function' &&
  constructor.name === 'NodeHttpHandler' &&
  Object.getPrototypeOf(constructor) === Function.prototype

function faultOf(agent: HttpAgent): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(agent)
  const replaced = Object.values(agent).some((value) => typeof value === 'function')
  if (replaced || (prototype !== HttpAgent.prototype && prototype !== HttpsAgent.prototype))
    return 'is of another class'
  const set = Object.entries(member(agent, 'options') ?? {}).find(
    ([name, value]) => value !== undefined && value !== null && !HARMLESS.has(name),
  )
  return set && `sets ${set[0]}`
}

const HARMLESS: ReadonlySet<string> = new Set([
  'agentKeepAliveTimeoutBuffer',
  'defaultPort',
  'keepAlive',
  'keepAliveMsecs',
  'maxCachedSessions',
  'maxFreeSockets',
  'maxSockets',
  'maxTotalSockets',
  'noDelay',
  'protocol',
  'scheduling',
  'timeout',
])

const NOWHERE = {
  method: 'HEAD',
  hostname: '127.0.0.1',
  port: 9,
  path: '/',
  query: {},
  headers: {},
}
