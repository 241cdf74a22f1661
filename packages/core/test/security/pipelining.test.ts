import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { expect, onTestFinished, test } from 'vitest'

import { path } from '../exact-bytes/guard.ts'

const script = fileURLToPath(new URL('pipelining-server.ts', import.meta.url))

async function start(kind: 'bare' | 'guarded'): Promise<{ child: ChildProcess; port: number }> {
  const execArgv = ['--conditions=@sallyport/source', '--max-old-space-size=256']
  const child = fork(script, [kind], { execArgv })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

/** Megabytes of requests that one connection sends, reading nothing, and how long it keeps trying. */
const attackBytes = Number(process.env['ATTACK_BYTES'] ?? 12_000_000)
const attackMs = Number(process.env['ATTACK_MS'] ?? 5_000)
const line = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer made-up\r\n\r\n`
const many = Buffer.from(line.repeat(500))

/** Sends requests over one connection and never reads. Resolves when all are sent, the time is over or it was closed. */
async function pipeline(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  socket.pause()
  const closed = once(socket, 'close').catch(() => undefined)
  const over = sleep(attackMs)
  let written = 0
  while (written < attackBytes && !socket.destroyed) {
    written += many.length
    if (socket.write(many)) continue
    const next = await Promise.race([once(socket, 'drain').then(() => 'more'), closed, over])
    if (next !== 'more') break
  }
  await Promise.race([over, closed])
  const sent = socket.bytesWritten
  socket.destroy()
  return sent
}

/** The longest that another client waited for its answer, in milliseconds. */
async function slowestAnswer(port: number, until: Promise<unknown>): Promise<number> {
  let over = false
  void until.then(() => (over = true))
  let slowest = 0
  while (!over) {
    const asked = performance.now()
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(20_000) })
    await answer.text()
    slowest = Math.max(slowest, performance.now() - asked)
    await sleep(50)
  }
  return slowest
}

async function attack(kind: 'bare' | 'guarded'): Promise<{ memory: number; slowest: number; sent: number }> {
  const { child, port } = await start(kind)
  const attacking = pipeline(port)
  const slowest = await slowestAnswer(port, attacking)
  const answered = once(child, 'message')
  child.send('memory')
  const [memory] = (await answered) as [number]
  return { memory, slowest, sent: await attacking }
}

test('a connection that pipelines and never reads costs what it costs a bare server', async () => {
  const bare = await attack('bare')
  const guarded = await attack('guarded')
  if (process.env['ATTACK_BYTES']) console.log({ bare, guarded })
  expect(guarded.memory).toBeLessThan(1.3 * bare.memory)
  expect(guarded.slowest).toBeLessThan(1_000)
})
