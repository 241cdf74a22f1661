import express from 'express'
import Koa from 'koa'
import { describe } from 'vitest'

import { ticketTraps } from '../../core/test/tickets/traps.ts'
import { serveExpress } from './serve-express.ts'
import { listen, mount } from './serve-koa.ts'

describe('tickets on Koa', () => {
  ticketTraps((handler) => listen(mount(new Koa(), handler)))
})
describe('tickets on Express', () => {
  ticketTraps((handler) => serveExpress(express(), handler))
})
