import { describe } from 'vitest'

import { serveHttp } from '../adapters/bare-node.ts'
import { ticketTraps } from './traps.ts'

describe('on node:http', () => {
  ticketTraps(serveHttp)
})
