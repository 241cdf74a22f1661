/** How many callers may hold a slot, and how many may wait for one. */
export interface FairSemaphoreLimits {
  /** The most slots held at a time. */
  readonly held: number
  /** The most slots held at a time under one key. */
  readonly heldPerKey: number
  /** The most waiting callers. */
  readonly waiting: number
  /** The most waiting callers under one key. */
  readonly waitingPerKey: number
}

/** A semaphore that serves its keys in turn (round robin), however many callers wait under each. */
export interface FairSemaphore {
  /**
   * Waits for a slot.
   *
   * @param key - the group that the caller belongs to, such as its address
   * @param signal - ends the wait, with the signal's reason
   * @returns a function that releases the slot; further calls do nothing
   * @throws {@link QueueFull} if too many callers wait. If the queue is full, the last caller of the key with the most
   *   waiting callers is refused, so the flood of one key cannot refuse the others
   */
  acquire(key: string, signal: AbortSignal): Promise<() => void>
}

/** Thrown if too many callers are waiting. */
export class QueueFull extends Error {
  override readonly name: string = 'QueueFull'
}

interface Waiter {
  readonly admit: () => void
  readonly refuse: (reason: unknown) => void
}

export function createFairSemaphore(limits: FairSemaphoreLimits): FairSemaphore {
  const held = new Map<string, number>()
  const queues = new Map<string, Waiter[]>() // in the order of their turns; none empty
  let [heldCount, waitingCount] = [0, 0]

  const heldBy = (key: string): number => held.get(key) ?? 0
  const take = (key: string): (() => void) => {
    heldCount += 1
    held.set(key, heldBy(key) + 1)
    let released = false
    return () => {
      if (released) return
      released = true
      heldCount -= 1
      if (heldBy(key) === 1) held.delete(key)
      else held.set(key, heldBy(key) - 1)
      admitNext()
    }
  }
  const remove = (key: string, waiter: Waiter): void => {
    const queue = queues.get(key)
    const index = queue?.indexOf(waiter) ?? -1
    if (!queue || index < 0) return
    queue.splice(index, 1)
    waitingCount -= 1
    if (queue.length === 0) queues.delete(key)
  }
  const admitNext = (): void => {
    for (const [key, queue] of queues) {
      const [first] = queue
      if (first === undefined || heldBy(key) >= limits.heldPerKey) continue
      remove(key, first)
      if (queues.delete(key)) queues.set(key, queue) // its next turn comes after all others
      return first.admit()
    }
  }
  /** Makes room for one more waiting caller of a key. Returns `false` if that caller must be refused. */
  const makeRoom = (key: string): boolean => {
    const mine = queues.get(key)?.length ?? 0
    if (mine >= limits.waitingPerKey) return false
    if (waitingCount < limits.waiting) return true
    const [longestKey, longest] = [...queues].reduce((most, one) =>
      one[1].length > most[1].length ? one : most,
    )
    const last = longest.at(-1)
    if (last === undefined || longest.length <= mine + 1) return false
    remove(longestKey, last)
    last.refuse(new QueueFull('the queue is full'))
    return true
  }
  return {
    async acquire(key, signal) {
      signal.throwIfAborted()
      if (heldCount < limits.held && heldBy(key) < limits.heldPerKey) return take(key)
      if (!makeRoom(key)) throw new QueueFull('the queue is full')
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          remove(key, waiter)
          reject(signal.reason)
        }
        const settle = (): void => signal.removeEventListener('abort', leave)
        const waiter: Waiter = {
          admit: () => {
            settle()
            resolve(take(key))
          },
          refuse: (reason) => {
            settle()
            reject(reason)
          },
        }
        signal.addEventListener('abort', leave, { once: true })
        const queue = queues.get(key)
        if (queue) queue.push(waiter)
        else queues.set(key, [waiter])
        waitingCount += 1
      })
    },
  }
}
