import type { Admission, AdmissionAsk } from '@sallyport/core'

import { createRedisLimiter } from '../../src/redis-limiter.ts'
import { ioRedis } from './clients.ts'

/** A command for a process of a fleet. The process answers with a number. */
export type Order =
  | { readonly does: 'spend'; readonly ask: AdmissionAsk } // until stop; answers 0 with its first admission
  | { readonly does: 'stop' } // how many were admitted
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

async function obey(order: Order): Promise<number> {
  switch (order.does) {
    case 'spend':
      await new Promise<void>((resolve) => {
        const stop = new AbortController()
        spending = { stop, total: spend(order.ask, stop.signal, resolve) }
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
