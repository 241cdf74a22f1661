import { describe, expect, test } from 'vitest'

import { takeFromPool } from '../../src/exchange/reserve-connections.ts'
import { refusalDetail } from '../../src/refusals.ts'

const poolOf = (size: number, perDownload = 1) => ({ pool: { size: () => size }, perDownload })
const principal = (name: string) => ({ name, ofFree: 1 / 4 })
const tenant = (name: string) => ({ name, ofFree: 1 })
type Pool = ReturnType<typeof poolOf>

/** Takes for one download. `undefined`: refused. */
function take(pool: Pool, ...holders: Parameters<typeof takeFromPool>[1]): (() => void) | undefined {
  try {
    return takeFromPool(pool, holders)
  } catch (error) {
    if (refusalDetail(error)?.kind === 'too_many_downloads') return undefined
    throw error
  }
}

/** Downloads that one caller gets who asks 64 times and gives nothing back. */
const takeAll = (pool: Pool, ...holders: Parameters<typeof takeFromPool>[1]): number =>
  Array.from({ length: 64 }, () => take(pool, ...holders)).filter(Boolean).length

describe('a pool of 50 connections', () => {
  test('leaves the next principal its share, however many came before', () => {
    const pool = poolOf(50)
    const got = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => takeAll(pool, principal(name)))
    expect(got).toEqual([10, 8, 7, 5, 4, 4])
  })

  test('gives half to the principals of one tenant, and half of the rest to those of the next', () => {
    const pool = poolOf(50)
    const got = ['one', 'two'].map((name) =>
      Array.from({ length: 9 }, (_, nth) => takeAll(pool, principal(`${name} ${nth}`), tenant(name))),
    )
    expect(got.map((each) => each.reduce((sum, some) => sum + some))).toEqual([25, 13])
  })

  test('counts as many connections as a download holds', () => {
    expect(takeAll(poolOf(50, 4), principal('a'))).toBe(3)
  })

  test('has back what was given back', () => {
    const pool = poolOf(50)
    const gives = Array.from({ length: 10 }, () => takeFromPool(pool, [principal('a')]))
    expect(takeAll(pool, principal('a'))).toBe(0)
    for (const give of gives) give()
    expect(takeAll(pool, principal('a'))).toBe(10)
  })

  test('is counted apart from another pool', () => {
    takeAll(poolOf(50), principal('a'))
    expect(takeAll(poolOf(50), principal('a'))).toBe(10)
  })
})

test('a principal without a download is not refused, also where no connection is free', () => {
  const pool = poolOf(1)
  expect(takeAll(pool, principal('a'), tenant('one'))).toBe(1)
  expect(takeAll(pool, principal('b'), tenant('two'))).toBe(1)
})

test('a pool without end refuses nobody', () => {
  expect(takeAll(poolOf(Infinity), principal('a'), tenant('one'))).toBe(64)
})
