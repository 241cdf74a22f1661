import type { Admission, AdmissionAsk } from '@sallyport/core'

import { seeded } from '../../../core/test/limits/oracle.ts'
import { createRedisLimiter } from '../../src/redis-limiter.ts'
import { ioRedis } from './clients.ts'

/** A command for a process of a fleet. The process answers with a number. */
export type Order =
  | { readonly does: 'spend'; readonly ask: AdmissionAsk } // until stop; answers 0 with its first admission
  | { readonly does: 'owe'; readonly ask: AdmissionAsk; readonly seed: number } // the same, with random costs, partly given back
  | { readonly does: 'stop' } // how many were admitted; after owe, how many tokens were kept
  | { readonly does: 'open'; readonly ask: AdmissionAsk; readonly times: number } // how many were admitted
  | { readonly does: 'close' } // how many were open

const here = new AbortController().signal
const { port, timeoutMs, leaseMs } = JSON.parse(process.argv[2] ?? '{}') as Record<
  'port' | 'timeoutMs' | 'leaseMs',
  number
>
const client = await ioRedis(port)
const limiter = createRedisLimiter({ send: client.send, timeoutMs, leaseMs })
limiter.onTrouble?.((code, cause) => process.stderr.write(`${code} ${String(cause)}\n`))

let open: Admission[] = []
let spending = { stop: new AbortController(), total: Promise.resolve(0) }

async function spend(ask: AdmissionAsk, signal: AbortSignal, began: () => void): Promise<number> {
  let admitted = 0
  while (!signal.aborted) {
    if (!(await limiter.admit(ask, here)).admitted) continue
    admitted += 1
    began()
  }
  return admitted
}

/** Random costs up to that of the ask. Gives a random part of each back at once. Returns the tokens that it kept. */
async function owe(ask: AdmissionAsk, seed: number, signal: AbortSignal, began: () => void): Promise<number> {
  const random = seeded(seed)
  let kept = 0
  while (!signal.aborted) {
    const cost = 1 + Math.floor(random() * ask.cost)
    const admission = await limiter.admit({ ...ask, cost }, here)
    if (!admission.admitted) continue
    const back = Math.floor(random() * (cost + 1))
    admission.refund(back)
    kept += cost - back
    began()
  }
  return kept
}

async function obey(order: Order): Promise<number> {
  switch (order.does) {
    case 'spend':
      await new Promise<void>((resolve) => {
        const stop = new AbortController()
        spending = { stop, total: spend(order.ask, stop.signal, resolve) }
      })
      return 0
    case 'owe':
      await new Promise<void>((resolve) => {
        const stop = new AbortController()
        spending = { stop, total: owe(order.ask, order.seed, stop.signal, resolve) }
      })
      return 0
    case 'stop':
      spending.stop.abort()
      return spending.total
    case 'open': {
      const admissions = await Promise.all(
        Array.from({ length: order.times }, async () => limiter.admit(order.ask, here)),
      )
      open = [...open, ...admissions.filter(({ admitted }) => admitted)]
      return admissions.filter(({ admitted }) => admitted).length
    }
    case 'close': {
      const closed = open.length
      for (const admission of open) if (admission.admitted) admission.release()
      open = []
      return closed
    }
  }
}

process.on('message', (order: Order) => {
  void obey(order).then((answer) => process.send?.(answer))
})
process.on('disconnect', () => process.exit())
process.send?.(-1)
