import fc from 'fast-check'
import { expect, test } from 'vitest'

import { stopAllOn } from '../../src/exchange/running.ts'

test('whoever ends in whatever order, exactly the others are stopped', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 40 }), (choices) => {
      const shutdown = new AbortController()
      const running = stopAllOn(shutdown.signal)
      const stopped: number[] = []
      const open = new Map<number, ReturnType<typeof running.begin>>()
      for (const [nth, choice] of choices.entries()) {
        const known = open.get(choice)
        if (known) running.end(known)
        if (known) open.delete(choice)
        else
          open.set(
            choice,
            running.begin(() => void stopped.push(choice)),
          )
        expect({ nth, count: running.count() }).toEqual({ nth, count: open.size })
      }
      shutdown.abort()
      expect(new Set(stopped)).toEqual(new Set(open.keys()))
      expect(stopped).toHaveLength(open.size)
    }),
  )
})

test('one that ends while all are stopped does not spare the next', () => {
  const shutdown = new AbortController()
  const running = stopAllOn(shutdown.signal)
  const stopped: string[] = []
  const stop = (name: string): void => {
    const run = running.begin(() => {
      stopped.push(name)
      running.end(run)
    })
  }
  for (const name of ['a', 'b', 'c']) stop(name)
  shutdown.abort()
  expect(new Set(stopped)).toEqual(new Set(['a', 'b', 'c']))
  expect(running.count()).toBe(0)
})
