import { createFifoQueue } from '../fifo-queue.ts'

/** A FIFO semaphore. */
export interface Semaphore {
  /** Takes a permit as soon as there is one. Returns the function that gives it back; a second call does nothing. */
  acquire(signal: AbortSignal): Promise<() => void>
}

/** @param permits - returns the number of permits; called at every step, because the number may become known only later */
export function createSemaphore(permits: () => number): Semaphore {
  let taken = 0
  const queue = createFifoQueue()

  const take = (): (() => void) => {
    taken += 1
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      taken -= 1
      while (taken < permits() && queue.runNext());
    }
  }
  const wait = (signal: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        queue.remove(waiter)
        reject(signal.reason)
      }
      const waiter = queue.push(() => {
        signal.removeEventListener('abort', stop)
        resolve(take())
      })
      signal.addEventListener('abort', stop, { once: true })
    })

  return {
    acquire: async (signal) => {
      signal.throwIfAborted()
      return queue.isEmpty() && taken < permits() ? take() : wait(signal)
    },
  }
}
