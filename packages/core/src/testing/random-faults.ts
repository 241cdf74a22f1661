import { createHash } from 'node:crypto'

import type { ArmedFault, Fault } from './fault.ts'

const KINDS: readonly Fault['does'][] = ['cut', 'stall', 'short', 'overrun', 'slow', 'change', 'throw']
const PERMANENT_TIMES = 20

/** Returns the random faults of a key, which depend on the seed, the key and the size of its object. */
export function faultsBySeed(seed: number): (key: string, size: number) => readonly ArmedFault[] {
  const drawn = new Map<string, readonly ArmedFault[]>()
  return (key, size) => {
    const name = `${seed} ${size} ${key}`
    const faults = drawn.get(name) ?? drawFaults(randomNumbers(name), size)
    drawn.set(name, faults)
    return faults
  }
}

function drawFaults(below: (limit: number) => number, size: number): readonly ArmedFault[] {
  return Array.from({ length: 1 + below(4) }, () => {
    const does = KINDS[below(KINDS.length)] ?? 'cut'
    const atByte = below(size + 1)
    const times = below(8) === 0 ? PERMANENT_TIMES : 1
    return { fault: { does, atByte, times }, left: times }
  })
}

/** Random whole numbers below a limit, from the SHA-256 of a count and the text. The same text gives the same numbers. */
function randomNumbers(text: string): (limit: number) => number {
  let count = 0
  return (limit) => {
    const hash = createHash('sha256').update(`${count++} ${text}`).digest()
    return Number(hash.readBigUInt64BE() % BigInt(limit))
  }
}
