// The usual parts on Fastify, each as its README registers it, with the verified-token cache on.
import jwt from '@fastify/jwt'
import rateLimit from '@fastify/rate-limit'
import files from '@fastify/static'
import { fastify } from 'fastify'

import { capability, plenty, readSettings } from '../src/settings.ts'
import { announcePort } from './listen.ts'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    user: { readonly sub: string; readonly org: string; readonly scope: string }
  }
}

const { root, issuer, audience, publicKey } = readSettings()
const app = fastify()
await app.register(jwt, {
  secret: { public: publicKey, private: '' },
  verify: { algorithms: ['RS256'], allowedIss: issuer, allowedAud: audience, cache: true },
})
await app.register(rateLimit, {
  max: plenty,
  timeWindow: 1_000,
  hook: 'preHandler',
  keyGenerator: (request) => request.user.sub,
})
await app.register(files, { root, serve: false, cacheControl: false })

app.get<{ Params: { exportId: string } }>(
  '/exports/:exportId/download',
  { onRequest: (request) => request.jwtVerify() },
  async (request, reply) => {
    const { org, scope } = request.user
    const organization = request.headers['x-org-name']
    if (org !== organization || !scope.split(' ').includes(capability)) return reply.code(403).send()
    const { exportId } = request.params
    reply.headers({ 'Cache-Control': 'private, no-store', 'X-Content-Type-Options': 'nosniff' })
    return reply.download(`${organization}/${exportId}.csv`, `export-${exportId}.csv`)
  },
)
await app.listen({ host: '127.0.0.1', port: 0 })
announcePort(app.server.address())
