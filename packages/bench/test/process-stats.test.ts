import { describe, expect, test } from 'vitest'

import { familyOf, parseStat, parseStatus } from '../src/process-stats.ts'

const line = (pid: number, name: string, parent: number, times: string): string =>
  `${pid} (${name}) S ${parent} 1 1 0 -1 4194560 900 0 0 0 ${times} 20 0 11 0 1234 1000000 900`

describe('parseStat', () => {
  test('adds user and system time, its own and that of children that have ended', () => {
    expect(parseStat(line(42, 'node', 7, '100 20 3 4'))).toEqual({ pid: 42, parent: 7, ticks: 127 })
  })
  test('a name may hold blanks and brackets', () => {
    expect(parseStat(line(42, 'a) S 9 (b', 7, '1 2 0 0'))).toEqual({ pid: 42, parent: 7, ticks: 3 })
  })
})

describe('parseStatus', () => {
  const text = 'Name:\tnode\nVmPeak:\t  999 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n'
  test('gives bytes', () => {
    expect(parseStatus(text, 'VmHWM')).toBe(2_097_152)
    expect(parseStatus(text, 'VmRSS')).toBe(1_048_576)
  })
  test('gives 0 for a process that has just ended', () => {
    expect(parseStatus('', 'VmHWM')).toBe(0)
  })
})

test('familyOf: a process and all below it, no others', () => {
  const one = (pid: number, parent: number): { pid: number; parent: number; ticks: number } => ({
    pid,
    parent,
    ticks: 1,
  })
  const all = [one(1, 0), one(2, 1), one(3, 2), one(4, 1), one(5, 0)]
  expect(familyOf(2, all).map(({ pid }) => pid)).toEqual([2, 3])
  expect(familyOf(1, all).map(({ pid }) => pid)).toEqual([1, 2, 3, 4])
  expect(familyOf(9, all)).toEqual([])
})
