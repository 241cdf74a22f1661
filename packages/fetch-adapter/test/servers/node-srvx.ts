import { serve } from 'srvx/node'

import { createService } from './service.ts'

const service = createService()
process.on('unhandledRejection', service.unhandled)
const server = serve({ fetch: service.fetch, port: 0, hostname: '127.0.0.1', silent: true })
await server.ready()
console.log(new URL(server.url ?? '').port)
