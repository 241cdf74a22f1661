import { createLine } from '../line.ts'

/** A door with so many places. Who finds none waits, first come first served. */
export interface WaitingLine {
  /** Gives the function that leaves; twice is once. Rejects with the signal's reason when that fires first. */
  enter(signal: AbortSignal): Promise<() => void>
}

/** @param places - asked at every step, for it may be known late */
export function createWaitingLine(places: () => number): WaitingLine {
  let taken = 0
  const line = createLine()

  const take = (): (() => void) => {
    taken += 1
    let left = false
    return () => {
      if (left) return
      left = true
      taken -= 1
      admit()
    }
  }
  const admit = (): void => {
    while (taken < places() && line.call());
  }
  const wait = (signal: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        line.leave(place)
        reject(signal.reason)
      }
      const go = (): void => {
        signal.removeEventListener('abort', stop)
        resolve(take())
      }
      const place = line.join(go)
      signal.addEventListener('abort', stop, { once: true })
    })

  return {
    enter: async (signal) => {
      signal.throwIfAborted()
      return line.isEmpty() && taken < places() ? take() : wait(signal)
    },
  }
}
