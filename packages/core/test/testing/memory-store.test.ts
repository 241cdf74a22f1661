import { describe, expect, test } from 'vitest'

import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import { storeContract } from '../../src/testing/store-contract.ts'

const signal = new AbortController().signal

describe('the memory store keeps the store contract', () => {
  const cases = storeContract(async () => {
    const store = createMemoryStore()
    return { store, put: (key, bytes) => store.put(key, bytes), remove: (key) => store.remove(key) }
  })
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('createMemoryStore', () => {
  test('takes objects at creation, text as UTF-8', async () => {
    const store = createMemoryStore({ text: 'é', bytes: Uint8Array.of(1, 2, 3) })
    expect(await store.head('text', signal)).toMatchObject({ size: 2 })
    expect(await store.head('bytes', signal)).toMatchObject({ size: 3 })
    expect(await store.head('constructor', signal)).toBeUndefined()
  })

  test('changes its validator with every put, also of the same bytes and after a removal', async () => {
    const store = createMemoryStore({ a: 'same' })
    const seen = [await store.head('a', signal)]
    await store.put('a', Buffer.from('same'))
    seen.push(await store.head('a', signal))
    await store.remove('a')
    await store.put('a', Buffer.from('same'))
    seen.push(await store.head('a', signal))
    expect(new Set(seen.map((info) => info?.validator)).size).toBe(3)
  })

  test('two stores that were given the same agree on the validator', async () => {
    const [one, other] = [createMemoryStore({ a: 'same' }), createMemoryStore({ b: 'first', a: 'same' })]
    expect((await one.head('a', signal))?.validator).toBe((await other.head('a', signal))?.validator)
  })

  test('keeps a copy of what it was given', async () => {
    const given = Uint8Array.of(1, 2, 3)
    const store = createMemoryStore({ a: given })
    given.fill(9)
    const object = await store.get('a', {}, signal)
    expect(await object?.chunks[Symbol.asyncIterator]().next()).toEqual({
      done: false,
      value: Uint8Array.of(1, 2, 3),
    })
  })

  test('overwrites a borrowed chunk as soon as the next is requested, also the last one', async () => {
    const store = createMemoryStore({ a: positionCoded(65_536 + 10) })
    const object = await store.get('a', { borrow: true }, signal)
    const kept: Uint8Array[] = []
    for await (const chunk of object?.chunks ?? []) kept.push(chunk)
    expect(kept.map((chunk) => chunk.length)).toEqual([65_536, 10])
    expect(kept.every((chunk) => chunk.every((byte) => byte === 0xa5))).toBe(true)
  })
})
