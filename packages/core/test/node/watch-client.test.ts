import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'

import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { DeliveryError } from '../../src/delivery/delivery-error.ts'
import type { ClientWatch } from '../../src/node/watch-client.ts'
import { watchClient } from '../../src/node/watch-client.ts'

/** A server that hands over each exchange as it comes. */
async function exchanges(): Promise<{
  port: number
  next: () => Promise<{ request: IncomingMessage; response: ServerResponse }>
}> {
  const waiting: { request: IncomingMessage; response: ServerResponse }[] = []
  const server = createServer((request, response) => void waiting.push({ request, response }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    next: async () => {
      await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(0))
      const [first] = waiting.splice(0, 1)
      if (!first) throw new Error('nobody came')
      return first
    },
  }
}

const watch = ({ request, response }: { request: IncomingMessage; response: ServerResponse }): ClientWatch =>
  watchClient(response, request.socket)
const get = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'
const reasonOf = ({ signal }: ClientWatch): unknown => signal.reason

describe('a client', () => {
  test('that leaves is noticed', async () => {
    const { port, next } = await exchanges()
    const socket = connect(port, '127.0.0.1')
    socket.write(get)
    const client = watch(await next())
    expect(client.signal.aborted).toBe(false)
    socket.destroy()
    await once(client.signal, 'abort')
    expect(reasonOf(client)).toMatchObject({ outcome: 'client_aborted' })
  })

  test('that had left before the watch began is noticed at once', async () => {
    const { port, next } = await exchanges()
    const socket = connect(port, '127.0.0.1')
    socket.write(get)
    const exchange = await next()
    socket.destroy()
    await once(exchange.response, 'close')
    expect(reasonOf(watch(exchange))).toMatchObject({ outcome: 'client_aborted' })
  })

  test('that got its response has not left, even if it disconnects then', async () => {
    const { port, next } = await exchanges()
    const asking = request({ host: '127.0.0.1', port, agent: false }).end()
    asking.on('response', (response) => response.resume())
    const exchange = await next()
    const client = watch(exchange)
    exchange.response.end('all of it')
    await once(exchange.response, 'close')
    expect(client.signal.aborted).toBe(false)
  })

  test('whose request body was read has not left, although the request is closed', async () => {
    const { port, next } = await exchanges()
    const asking = request({ host: '127.0.0.1', port, method: 'POST', agent: false }).end('a body')
    asking.on('error', () => undefined)
    const exchange = await next()
    const client = watch(exchange)
    exchange.request.resume()
    await once(exchange.request, 'close')
    expect(client.signal.aborted).toBe(false)
  })

  test('that is forgotten before its response is complete has left', async () => {
    const { port, next } = await exchanges()
    connect(port, '127.0.0.1').write(get)
    const client = watch(await next())
    client.forget()
    expect(reasonOf(client)).toMatchObject({ outcome: 'client_aborted' })
  })

  test('that is forgotten after its response is complete is no longer watched', async () => {
    const { port, next } = await exchanges()
    connect(port, '127.0.0.1').write(get)
    const { request, response } = await next()
    const client = watch({ request, response })
    const listeners = response.listenerCount('close')
    response.end()
    await once(response, 'finish')
    client.forget()
    expect([client.signal.aborted, response.listenerCount('close')]).toEqual([false, listeners - 1])
  })

  test('leaves with the first reason', async () => {
    const { port, next } = await exchanges()
    connect(port, '127.0.0.1').write(get)
    const client = watch(await next())
    const reason = new DeliveryError('failed', new Error('a middleware'))
    client.end(reason)
    client.forget()
    expect(reasonOf(client)).toBe(reason)
  })
})

describe('a response that other code has begun', () => {
  test.each<[string, (response: ServerResponse) => unknown]>([
    ['with its head', (response) => response.writeHead(200)],
    ['to its end', (response) => response.end()],
  ])('%s ends at once', async (_, begin) => {
    const { port, next } = await exchanges()
    const socket = connect(port, '127.0.0.1')
    socket.write(get)
    const exchange = await next()
    begin(exchange.response)
    expect(reasonOf(watch(exchange))).toMatchObject({ outcome: 'failed', cause: new Error('response_taken') })
    socket.destroy()
  })
})
