// The usual parts on Express, each as its README mounts it.
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'
import { rateLimit } from 'express-rate-limit'

import { capability, plenty, readSettings } from '../src/settings.ts'
import { duties } from './duties.ts'
import { listen } from './listen.ts'

const { root, issuer, audience, jwksUri } = readSettings()
const app = express()

app.get<{ exportId: string }>(
  '/exports/:exportId/download',
  auth({ issuer, audience, jwksUri, tokenSigningAlg: 'RS256' }),
  requiredScopes(capability),
  rateLimit({
    windowMs: 1_000,
    limit: plenty,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (request) => request.auth?.payload.sub ?? '',
  }),
  (request, response) => {
    const organization = request.get('X-Org-Name')
    if (organization === undefined || request.auth?.payload['org'] !== organization) {
      response.sendStatus(403)
      return
    }
    const { exportId } = request.params
    duties.logEnd(request, response, request.auth.payload.sub ?? '')
    if (!duties.isReady(organization, exportId)) {
      response.sendStatus(404)
      return
    }
    response.attachment(`export-${exportId}.csv`)
    response.set({ 'Cache-Control': 'private, no-store', 'X-Content-Type-Options': 'nosniff' })
    response.sendFile(`${organization}/${exportId}.csv`, { root, cacheControl: false })
  },
)
listen((request, response) => void app(request, response))
