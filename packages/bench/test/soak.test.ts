import { describe, expect, it } from 'vitest'

import { judge, type Seen } from '../soak/judge.ts'

const held = { resident: 100_000_000, heap: 20_000_000, counts: { slots: 0, timers: 2, descriptors: 20 } }
const good: Seen = {
  base: held,
  after: held,
  p99Ms: 40,
  idleP99Ms: 12,
  complaints: [],
  tally: { 'HTTP/1.1, download: begun': 3, 'HTTP/1.1, download: exact': 3 },
  probes: [5, 6, 7],
}
const failed = (seen: Partial<Seen>): readonly string[] =>
  judge({ ...good, ...seen }).flatMap(({ name, ok }) => (ok ? [] : [name]))
const after = (counts: Readonly<Record<string, number>>): Partial<Seen> => ({
  after: { ...held, counts: { ...held.counts, ...counts } },
})

describe('the judge of the soak', () => {
  it('finds no fault where everything is back', () => {
    expect(failed({})).toEqual([])
  })

  it('allows for a machine that is busy with something else', () => {
    expect(failed({ p99Ms: 140, idleP99Ms: 70 })).toEqual([])
  })

  it.each<[string, Partial<Seen>, string]>([
    ['memory', { after: { ...held, resident: 110_000_001 } }, 'resident memory is within 10 % of the base'],
    ['a slot', after({ slots: 1 }), 'slots are back'],
    ['timers', after({ timers: 11 }), 'timers are back'],
    ['descriptors', after({ descriptors: 29 }), 'descriptors are back'],
    ['a slow loop', { p99Ms: 100 }, "p99 of the event loop's delay is below 100 ms"],
    [
      'an unserved client',
      { probes: [5, Infinity] },
      'an honest client is always served, 99 of 100 times within 1000 ms',
    ],
    ['no probe', { probes: [] }, 'an honest client is always served, 99 of 100 times within 1000 ms'],
    ['idle clients', { tally: { 'HTTP/2, leave: begun': 0 } }, 'every kind of client was at work'],
    [
      'wrong bytes',
      { tally: { ...good.tally, 'HTTP/2, streams: wrong bytes': 1 } },
      'no wrong byte, no short answer that looks whole',
    ],
    ['a warning', { complaints: ['warning'] }, 'no warning, no unhandled rejection'],
  ])('sees %s', (_, seen, name) => {
    expect(failed(seen)).toEqual([name])
  })
})
