import type { ExportStore, ObjectInfo, OpenObject } from '../ports.ts'
import { refuse } from '../refusals.ts'
import { disturbed } from './disturbed-chunks.ts'
import type { ArmedFault, Fault } from './fault.ts'
import { faultsBySeed } from './random-faults.ts'

/** A store whose reads fail as configured. */
export interface ChaosStore extends ExportStore {
  /** The faults that have happened, in order. A fault that happened twice is listed twice. */
  readonly fired: readonly Fault[]
}

/**
 * Wraps a store so that its reads fail: at given positions, or at random ones. Chunks are passed on without a copy, and so is
 * `borrow`.
 *
 * @param chaos - `faults`: these faults, counted over all keys. `seed`: one to four random faults for each key. The same seed, key
 *   and size give the same faults. One fault in eight happens 20 times, the others once
 */
export function createChaosStore(
  store: ExportStore,
  chaos: { readonly seed: number } | { readonly faults: readonly Fault[] },
): ChaosStore {
  const fired: Fault[] = []
  const changes = new Map<string, number>()
  const faultsOf = 'seed' in chaos ? faultsBySeed(chaos.seed) : armedOnce(chaos.faults)
  const mark = (key: string): string => '~'.repeat(changes.get(key) ?? 0)
  const marked = (key: string, info: ObjectInfo): ObjectInfo => ({
    ...info,
    validator: info.validator + mark(key),
  })

  const happens = (key: string, armed: ArmedFault): boolean => {
    if (armed.left <= 0) return false
    armed.left--
    fired.push(armed.fault)
    if (armed.fault.does === 'change') changes.set(key, (changes.get(key) ?? 0) + 1)
    return true
  }

  return {
    fired,
    async head(key, signal) {
      const info = await store.head(key, signal)
      return info && marked(key, info)
    },
    async get(key, { ifMatch, ...options }, signal) {
      const pin = ifMatch === undefined ? {} : { ifMatch: unmarked(ifMatch, mark(key)) }
      const object = await store.get(key, { ...options, ...pin }, signal)
      if (!object) return undefined
      const { first, last } = options.range ?? { first: 0, last: object.info.size - 1 }
      const faults = faultsOf(key, object.info.size)
      const { chunks, close } = disturbed(object, { first, last }, faults, (armed) => happens(key, armed))
      return { info: marked(key, object.info), chunks, close } satisfies OpenObject
    },
  }
}

/** Returns the validator of the wrapped store. Refuses a pin from before the last change, which lacks its mark. */
const unmarked = (pin: string, mark: string): string =>
  pin.endsWith(mark) ? pin.slice(0, pin.length - mark.length) : refuse('object_changed')

function armedOnce(faults: readonly Fault[]): (key: string, size: number) => readonly ArmedFault[] {
  const armed = faults.map((fault) => ({ fault, left: fault.times ?? 1 }))
  return () => armed
}
