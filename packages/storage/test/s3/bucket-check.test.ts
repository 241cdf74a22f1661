import { expect, test } from 'vitest'

import { createBucketCheck } from '../../src/s3/bucket-check.ts'

const { signal } = new AbortController()

test('asks at most once in 10 s, and gives that result to all', async () => {
  let now = 0
  const asked: string[] = []
  const results = [Promise.resolve(), Promise.reject(new Error('no bucket')), Promise.resolve()]
  const check = createBucketCheck(
    (key) => {
      asked.push(key)
      return results[asked.length - 1] ?? Promise.resolve()
    },
    () => now,
  )
  const outcome = (key: string): Promise<string> =>
    check(key, signal).then(
      () => 'there',
      () => 'refused',
    )
  const seen: string[] = []
  for (const at of [0, 9_999, 10_000, 19_999, 20_000]) {
    now = at
    seen.push(await outcome(String(at)))
  }
  expect(seen).toEqual(['there', 'there', 'refused', 'refused', 'there'])
  expect(asked).toEqual(['0', '10000', '20000'])
})

test('a caller that leaves does not end the check for the others', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const check = createBucketCheck(() => promise)
  const leaving = new AbortController()
  const left = check('a', leaving.signal)
  const stays = check('b', signal)
  leaving.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  resolve()
  await expect(stays).resolves.toBeUndefined()
})
