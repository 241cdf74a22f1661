// The usual parts on Koa, each as its README mounts it. Only the way in which the bytes are sent differs.
import { Router } from '@koa/router'
import Koa, { type Context } from 'koa'
import jwt from 'koa-jwt'
import rateLimit from 'koa-ratelimit'

import { capability, plenty, readSettings } from '../src/settings.ts'
import { duties } from './duties.ts'
import { listen } from './listen.ts'

const { issuer, audience, publicKey } = readSettings()

interface User {
  readonly sub: string
  readonly org: string
  readonly scope: string
}

/** Serves exports behind koa-jwt and koa-ratelimit. `send` gets the key of the object, `<organization>/<id>.csv`. */
export function listenKoaStack(send: (ctx: Context, key: string) => Promise<unknown>): void {
  const router = new Router<{ user: User }>()
  router.get('/exports/:exportId/download', async (ctx) => {
    const { user } = ctx.state
    const organization = ctx.get('X-Org-Name')
    if (user.org !== organization || !user.scope.split(' ').includes(capability)) ctx.throw(403)
    const { exportId = '' } = ctx.params
    duties.logEnd(ctx.req, ctx.res, user.sub)
    if (!duties.isReady(organization, exportId)) ctx.throw(404)
    ctx.attachment(`export-${exportId}.csv`)
    ctx.set({ 'Cache-Control': 'private, no-store', 'X-Content-Type-Options': 'nosniff' })
    await send(ctx, `${organization}/${exportId}.csv`)
  })

  const app = new Koa<{ user: User }>()
  app.use(jwt({ secret: publicKey, algorithms: ['RS256'], issuer, audience }))
  app.use(
    rateLimit({
      driver: 'memory',
      db: new Map<string, unknown>(),
      duration: 1_000,
      max: plenty,
      id: (ctx) => (ctx.state as { user: User }).user.sub,
    }),
  )
  app.use(router.routes())
  const serve = app.callback()
  listen((request, response) => void serve(request, response))
}
