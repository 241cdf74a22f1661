/** All servers of the comparison, in the order of its tables. */
export const servers = {
  bare: 'node:http, stat and pipe, no guard',
  'sallyport-node': 'Sallyport on node:http',
  'sallyport-telemetry': 'Sallyport on node:http, with spans and metrics',
  'sallyport-express': 'Sallyport, Express adapter',
  'sallyport-koa': 'Sallyport, Koa adapter',
  'express-stack': 'Express, express-oauth2-jwt-bearer, express-rate-limit, sendFile',
  'koa-stack': 'Koa, koa-jwt, koa-ratelimit, koa-send',
  'fastify-stack': 'Fastify, @fastify/jwt, @fastify/rate-limit, @fastify/static',
  nginx: 'nginx, sendfile, no guard',
} as const

export type ServerName = keyof typeof servers

export const serverNames: readonly ServerName[] = Object.keys(servers).filter(isServerName)

export function isServerName(name: string): name is ServerName {
  return Object.hasOwn(servers, name)
}
