import fc from 'fast-check'
import { expect, test } from 'vitest'

import { createLine } from '../src/line.ts'

test('is first come first served, whoever leaves', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5 }), { maxLength: 60 }), (steps) => {
      const line = createLine()
      const called: number[] = []
      const expected: number[] = []
      const answers: [boolean, boolean][] = []
      const waiting: { nth: number; place: ReturnType<typeof line.join> }[] = []
      for (const [nth, step] of steps.entries()) {
        const leaver = waiting[step]
        if (step === 0) {
          const next = waiting.shift()
          if (next) expected.push(next.nth)
          answers.push([line.call(), next !== undefined])
        } else if (leaver) {
          waiting.splice(step, 1)
          line.leave(leaver.place)
          line.leave(leaver.place)
        } else waiting.push({ nth, place: line.join(() => void called.push(nth)) })
        answers.push([line.isEmpty(), waiting.length === 0])
      }
      for (const [answer, due] of answers) expect(answer).toBe(due)
      while (line.call());
      expect(called).toEqual([...expected, ...waiting.map(({ nth }) => nth)])
    }),
  )
})

test('a place whose turn has come cannot be left', () => {
  const line = createLine()
  const called: string[] = []
  const place = line.join(() => void called.push('first'))
  line.join(() => void called.push('second'))
  line.call()
  line.leave(place)
  line.call()
  expect(called).toEqual(['first', 'second'])
})
