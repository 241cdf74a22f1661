import { expect, test } from 'vitest'

import { activeAnswer, openFortress } from '../handler/fortress.ts'

/** Makes calls until there are no more, so many at a time. */
const inLanes = (lanes: number, next: () => Promise<unknown> | undefined): Promise<unknown> =>
  Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let call = next(); call; call = next()) await call
    }),
  )

test('64 connections with made-up opaque tokens do not block an honest caller with the same address', async () => {
  await using fortress = await openFortress()
  const { introspection, verdict } = fortress
  // Takes 200 ms, and knows honest tokens by their name.
  introspection.answer((_, response) => {
    const sub = /token=(honest-\d+)/.exec(introspection.requests.at(-1)?.body ?? '')?.[1]
    setTimeout(() => response.end(JSON.stringify(sub ? { ...activeAnswer, sub } : { active: false })), 200)
  })
  const counts = { honest: 0, madeUp: 0 }
  const ask = async (kind: keyof typeof counts): Promise<number> => {
    counts[kind] += 1
    return (await verdict(`Bearer ${kind}-${String(counts[kind]).padStart(16, '0')}`)).status
  }
  let isOver = false
  const flood = inLanes(64, () => (isOver ? undefined : ask('madeUp')))
  const statuses: number[] = []
  await inLanes(20, () =>
    counts.honest < 40 ? ask('honest').then((status) => statuses.push(status)) : undefined,
  )
  isOver = true
  await flood
  expect(counts.madeUp).toBeGreaterThan(100)
  expect(statuses.filter((status) => status === 503)).toEqual([])
  expect(statuses.filter((status) => status === 200)).toHaveLength(40)
})
