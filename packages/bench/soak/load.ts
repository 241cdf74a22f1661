// The process of the soak's clients: reads a job from stdin, and writes the counts of results to stdout. When the time is
// up it exits and leaves every connection as it is.
import { setPriority } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

import { parseMessage } from '../src/message.ts'
import type { Act, Target } from './act.ts'
import { http1Acts } from './http1-acts.ts'
import { http2Acts } from './http2-acts.ts'

setPriority(10) // so that the server gets the processors that it needs
const pauseMs = 7_000
const anyJob = { http1: 0, http2: 0, tokens: [''], seconds: 0 }
const job = parseMessage(await text(process.stdin), anyJob)
const { http1, http2, tokens, seconds } = job
const until = performance.now() + seconds * 1_000
/** Has every kind of client, also one without a result. */
const tally: Record<string, number> = {}
for (const [name] of http1Acts) tally[`HTTP/1.1, ${name}: begun`] = 0
for (const [name] of http2Acts) tally[`HTTP/2, ${name}: begun`] = 0
const count = (line: string): void => {
  tally[line] = (tally[line] ?? 0) + 1
}

type Weighted = readonly (readonly [name: string, weight: number, act: Act])[]

function pick(acts: Weighted): readonly [string, Act] {
  let at = Math.random() * acts.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [name, weight, act] of acts) {
    at -= weight
    if (at <= 0) return [name, act]
  }
  return ['none', async () => 'wrong: no act']
}

async function client(protocol: string, acts: Weighted, target: Target): Promise<void> {
  await delay(Math.random() * pauseMs)
  while (performance.now() < until) {
    const [name, act] = pick(acts)
    count(`${protocol}, ${name}: begun`)
    const result = await act(target).catch((error: unknown) => `failed: ${String(error)}`)
    count(`${protocol}, ${name}: ${result}`)
    await delay(Math.random() * 2 * pauseMs)
  }
}

for (const [nth, token] of tokens.entries()) {
  if (nth % 2 === 0) void client('HTTP/1.1', http1Acts, { port: http1, token })
  else void client('HTTP/2', http2Acts, { port: http2, token })
}
await delay(seconds * 1_000)
process.stdout.write(JSON.stringify({ tally }), () => process.exit(0))
