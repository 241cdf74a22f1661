import { describe } from 'vitest'

import { ticketTraps } from '../../core/test/tickets/traps.ts'
import { serveFastify } from './serve-fastify.ts'

describe('tickets on Fastify', () => {
  ticketTraps(serveFastify)
})
