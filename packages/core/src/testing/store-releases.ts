import { equal, ok } from 'node:assert/strict'

import type { OpenObject } from '../ports.ts'
import { refusalDetail } from '../refusals.ts'
import { positionCoded } from './position-coded.ts'
import { opened, plainRefusal, readAll, rejection, sameBytes, soon, type StoreCase } from './store-scene.ts'

const SIZE = 1_048_583

/** Cases of releasing: `close`, and the signals of head and get. */
export const releases: readonly StoreCase[] = [
  {
    title: 'close works before the first chunk, between two chunks, after the last one, and twice',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const unread = await opened(scene)
      closeTwice(unread)
      const half = await opened(scene)
      await soon(half.chunks[Symbol.asyncIterator]().next(), 'the first chunk')
      closeTwice(half)
      const whole = await opened(scene)
      sameBytes(await readAll(whole), positionCoded(SIZE), 'the whole')
      closeTwice(whole)
    },
  },
  {
    title: 'a read that is pending at close settles',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      for (let taken = 0; taken < 3; taken++) {
        const object = await opened(scene)
        const chunks = object.chunks[Symbol.asyncIterator]()
        for (let nth = 0; nth < taken; nth++) await soon(chunks.next(), 'a chunk')
        const pending = chunks.next()
        closeTwice(object)
        await soon(
          pending.then(() => undefined, plainRefusal),
          'the pending read, after close',
        )
      }
    },
  },
  {
    title: 'a closed object gives no more bytes, and its reads do not hang',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const object = await opened(scene)
      object.close()
      const late = object.chunks[Symbol.asyncIterator]().next()
      const step = await soon(late.catch(plainRefusal), 'a read after close')
      ok(!step || step.done === true, 'no chunk after close')
    },
  },
  {
    title: 'the loop over the chunks may be left at any point',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const object = await opened(scene)
      let seen = 0
      for await (const chunk of object.chunks) {
        seen += chunk.length
        break
      }
      object.close()
      ok(seen > 0)
    },
  },
  {
    title: 'a signal that has fired opens nothing',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      const signal = AbortSignal.abort(new Error('the caller left'))
      isReasonOrRefusal(await soon(rejection(scene.store.head(scene.key, signal)), 'head'), signal)
      isReasonOrRefusal(await soon(rejection(scene.store.get(scene.key, {}, signal)), 'get'), signal)
    },
  },
  {
    title: 'a signal that fires in the middle of head or get settles them',
    async run({ store, key, put }) {
      await put(positionCoded(SIZE))
      for (const call of [
        (signal: AbortSignal) => store.head(key, signal),
        (signal: AbortSignal) => store.get(key, {}, signal).then((object) => object?.close()),
      ]) {
        const caller = new AbortController()
        const asked = call(caller.signal)
        caller.abort(new Error('the caller left'))
        await soon(
          asked.then(
            () => undefined,
            (error: unknown) => isReasonOrRefusal(error, caller.signal),
          ),
          'a call whose signal fired',
        )
      }
    },
  },
  {
    title: 'the signal of get has no effect after get has resolved',
    async run({ store, key, put }) {
      await put(positionCoded(SIZE))
      const caller = new AbortController()
      const object = await soon(store.get(key, {}, caller.signal), 'get')
      caller.abort()
      sameBytes(await readAll(object ?? (await opened({ store, key }))), positionCoded(SIZE), 'the whole')
    },
  },
  {
    title: '200 objects that are closed unread or half read leave the store usable',
    async run(scene) {
      await scene.put(positionCoded(SIZE))
      for (let nth = 0; nth < 200; nth++) {
        const object = await opened(scene)
        if (nth % 2 === 1) await soon(object.chunks[Symbol.asyncIterator]().next(), 'a chunk')
        object.close()
      }
      sameBytes(await readAll(await opened(scene)), positionCoded(SIZE), 'the whole')
    },
  },
]

function closeTwice(object: OpenObject): void {
  equal(object.close(), undefined)
  equal(object.close(), undefined)
}

/** Expects the signal's reason or a refusal, after the signal has fired. */
const isReasonOrRefusal = (thrown: unknown, { reason }: AbortSignal): void =>
  ok(thrown === reason || refusalDetail(thrown) !== undefined, 'the reason of the signal, or a refusal')
