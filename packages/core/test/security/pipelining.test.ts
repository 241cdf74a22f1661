import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { expect, onTestFinished, test } from 'vitest'

import { path } from '../exact-bytes/guard.ts'

const script = fileURLToPath(new URL('pipelining-server.ts', import.meta.url))

/** How long one connection sends requests, and how many bytes of them at most. */
const attackMs = 3_000
const attackBytes = 12_000_000

const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer made-up\r\n\r\n`
const many = Buffer.from(request.repeat(500))

test('a connection that pipelines and never reads costs no more than with a bare server', async () => {
  const bare = await attack('bare')
  const guarded = await attack('guarded')
  expect(guarded.memory).toBeLessThan(1.3 * bare.memory)
  expect(guarded.slowest).toBeLessThan(1_000)
})

/** The largest memory of a server under attack, in bytes, and the longest that another client waited, in milliseconds. */
async function attack(kind: 'bare' | 'guarded'): Promise<{ memory: number; slowest: number }> {
  const { child, port } = await start(kind)
  const over = AbortSignal.timeout(attackMs)
  const attacking = pipeline(port, over)
  const slowest = await slowestAnswer(port, over)
  const answered = once(child, 'message')
  child.send('memory')
  const [memory] = (await answered) as [number]
  await attacking
  return { memory, slowest }
}

async function start(kind: 'bare' | 'guarded'): Promise<{ child: ChildProcess; port: number }> {
  // A small heap, so that little garbage waits for a collection and counts as memory.
  const execArgv = ['--conditions=@sallyport/source', '--max-old-space-size=64', '--max-semi-space-size=2']
  const child = fork(script, [kind], { execArgv })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

/** Sends requests over one connection, and never reads. */
async function pipeline(port: number, over: AbortSignal): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  socket.pause()
  const ended = Promise.race([once(over, 'abort'), new Promise((resolve) => socket.once('close', resolve))])
  while (socket.bytesWritten < attackBytes && !socket.destroyed && !over.aborted) {
    if (!socket.write(many)) {
      await Promise.race([ended, new Promise((resolve) => socket.once('drain', resolve))])
    }
  }
  await ended
  socket.destroy()
}

async function slowestAnswer(port: number, over: AbortSignal): Promise<number> {
  let slowest = 0
  while (!over.aborted) {
    const asked = performance.now()
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    await answer.text()
    slowest = Math.max(slowest, performance.now() - asked)
    await sleep(20)
  }
  return slowest
}
