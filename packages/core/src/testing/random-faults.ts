import { createHash } from 'node:crypto'

import type { ArmedFault, Fault } from './fault.ts'

const KINDS: readonly Fault['does'][] = ['cut', 'stall', 'short', 'overrun', 'slow', 'change', 'throw']
const TO_STAY = 20

/** Faults of a key, drawn at its first read from the seed, the key and the size of its object. */
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
    const times = below(8) === 0 ? TO_STAY : 1
    return { fault: { does, atByte, times }, left: times }
  })
}

/** Whole numbers below a limit, the same ones for the same text: SHA-256 of the text and a count. */
function randomNumbers(text: string): (limit: number) => number {
  let count = 0
  return (limit) => {
    const hash = createHash('sha256').update(`${count++} ${text}`).digest()
    return Number(hash.readBigUInt64BE() % BigInt(limit))
  }
}
