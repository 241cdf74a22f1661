import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createRequestListener } from '@remix-run/node-fetch-server'

import { createService } from './service.ts'

const service = createService()
process.on('unhandledRejection', service.unhandled)
const server = createServer(createRequestListener(service.fetch))
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
