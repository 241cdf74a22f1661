import { serve } from '@hono/node-server'

import { createService } from './service.ts'

const service = createService()
process.on('unhandledRejection', service.unhandled)
serve({ fetch: service.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(port))
