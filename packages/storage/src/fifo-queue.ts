/** An entry of a {@link FifoQueue}. */
export interface Waiter {
  readonly run: () => void
  previous: Waiter | undefined
  next: Waiter | undefined
  isWaiting: boolean
}

/** Callbacks that wait, first in, first out. */
export interface FifoQueue {
  isEmpty(): boolean
  push(run: () => void): Waiter
  /** Removes a waiter. One that has been run or removed is ignored. */
  remove(waiter: Waiter): void
  /** Removes the first waiter and runs it. `false`: the queue is empty. */
  runNext(): boolean
}

/**
 * A doubly linked list, so that removing a waiter takes constant time. Not a Set: when its entries come and go, V8 keeps the old
 * tables of the Set, with all that they refer to (here whole requests), until a full garbage collection.
 */
export function createFifoQueue(): FifoQueue {
  let first: Waiter | undefined
  let last: Waiter | undefined
  const remove = (waiter: Waiter): void => {
    const { previous, next, isWaiting } = waiter
    if (!isWaiting) return
    waiter.isWaiting = false
    // A removed waiter that referred to its neighbours would keep every earlier waiter in memory.
    waiter.previous = undefined
    waiter.next = undefined
    if (previous) previous.next = next
    else first = next
    if (next) next.previous = previous
    else last = previous
  }
  return {
    isEmpty: () => !first,
    push: (run) => {
      const waiter: Waiter = { run, previous: last, next: undefined, isWaiting: true }
      if (last) last.next = waiter
      else first = waiter
      last = waiter
      return waiter
    },
    remove,
    runNext: () => {
      if (!first) return false
      const { run } = first
      remove(first)
      run()
      return true
    },
  }
}
