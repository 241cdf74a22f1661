import fc from 'fast-check'
import { expect, test } from 'vitest'

import { createFifoQueue } from '../src/fifo-queue.ts'

test('runs waiters first in, first out, also when others are removed', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5 }), { maxLength: 60 }), (steps) => {
      const queue = createFifoQueue()
      const called: number[] = []
      const expected: number[] = []
      const answers: [boolean, boolean][] = []
      const waiting: { nth: number; waiter: ReturnType<typeof queue.push> }[] = []
      for (const [nth, step] of steps.entries()) {
        const leaver = waiting[step]
        if (step === 0) {
          const next = waiting.shift()
          if (next) expected.push(next.nth)
          answers.push([queue.runNext(), next !== undefined])
        } else if (leaver) {
          waiting.splice(step, 1)
          queue.remove(leaver.waiter)
          queue.remove(leaver.waiter)
        } else waiting.push({ nth, waiter: queue.push(() => void called.push(nth)) })
        answers.push([queue.isEmpty(), waiting.length === 0])
      }
      for (const [answer, due] of answers) expect(answer).toBe(due)
      while (queue.runNext());
      expect(called).toEqual([...expected, ...waiting.map(({ nth }) => nth)])
    }),
  )
})

test('a waiter that was run cannot be removed', () => {
  const queue = createFifoQueue()
  const called: string[] = []
  const waiter = queue.push(() => void called.push('first'))
  queue.push(() => void called.push('second'))
  queue.runNext()
  queue.remove(waiter)
  queue.runNext()
  expect(called).toEqual(['first', 'second'])
})
