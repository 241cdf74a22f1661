import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { measureStoreSpeed, type StoreSpeed } from '../../../src/delivery/object-chunks.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

const floorOf = (silenceMs = 500): StoreSpeed => measureStoreSpeed(silenceMs, { bytes: 1_000, perMs: 1_000 })

/** Waits so long for each chunk of so many bytes; the outcomes of those that were too late, by number. */
function read(
  speed: StoreSpeed,
  times: number,
  waitMs: number,
  bytes: number,
): readonly (readonly [number, string])[] {
  return Array.from({ length: times }, (_, nth) => {
    speed.startWait()
    vi.advanceTimersByTime(waitMs)
    const late = speed.received(bytes)
    return [nth + 1, late?.outcome ?? 'in time'] as const
  }).filter(([, outcome]) => outcome !== 'in time')
}

describe('a floor of 1,000 bytes in 1,000 ms', () => {
  test('is met by a store that is exactly as fast', () => {
    expect(read(floorOf(), 1_000, 100, 100)).toEqual([])
  })

  test('is met by a store that is fast between pauses', () => {
    const speed = floorOf()
    for (let round = 0; round < 20; round += 1)
      expect([...read(speed, 1, 450, 1), ...read(speed, 1, 0, 65_536)]).toEqual([])
  })

  test('is missed by a store that sends single bytes: the object is opened once more, then the download ends', () => {
    expect(read(floorOf(), 23, 100, 1)).toEqual([
      [11, 'store_stalled'],
      [22, 'store_too_slow'],
    ])
  })

  test('is missed by a store with small bursts', () => {
    const speed = floorOf()
    const rounds = Array.from({ length: 2 }, () => [...read(speed, 1, 0, 300), ...read(speed, 11, 100, 1)])
    expect(rounds.flat().map(([, outcome]) => outcome)).toEqual(['store_stalled', 'store_too_slow'])
  })

  test('allows another reopen after a window of bytes', () => {
    const speed = floorOf()
    const rounds = Array.from({ length: 3 }, () => [...read(speed, 1, 0, 1_000), ...read(speed, 11, 100, 1)])
    expect(rounds.flat().map(([, outcome]) => outcome)).toEqual([
      'store_stalled',
      'store_stalled',
      'store_stalled',
    ])
  })

  test('does not count the time in which the reader has a chunk', () => {
    const speed = floorOf()
    for (let nth = 0; nth < 50; nth += 1) {
      expect(read(speed, 1, 1, 10)).toEqual([])
      vi.advanceTimersByTime(60_000)
    }
  })

  test('counts the time between two opens, but an outage as at most silenceMs', () => {
    const speed = floorOf()
    expect(read(speed, 1, 60_000, 100)).toEqual([])
    // Each of these objects breaks off after a byte: what counts is the wait from one failure to the next byte.
    expect(read(speed, 20, 100, 1).map(([, outcome]) => outcome)).toContain('store_too_slow')
  })
})
