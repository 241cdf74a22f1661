import { describe, expect, it } from 'vitest'

import { judge, type Seen } from '../soak/judge.ts'

const held = { resident: 100_000_000, heap: 20_000_000, counts: { slots: 0, timers: 2, descriptors: 20 } }
const good: Seen = {
  base: held,
  after: held,
  loop: { p99Ms: 40, ownP99Ms: 30, mostMs: 90, busy: 0.3 },
  idleP99Ms: 2,
  complaints: [],
  tally: { 'HTTP/1.1, download: begun': 3, 'HTTP/1.1, download: exact': 3 },
  probes: [{ ms: 5, result: 'status 200' }],
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
    expect(failed({ loop: { p99Ms: 140, ownP99Ms: 99, mostMs: 500, busy: 0.3 }, idleP99Ms: 70 })).toEqual([])
  })

  it.each<[string, Partial<Seen>, string]>([
    ['memory', { after: { ...held, resident: 110_000_001 } }, 'resident memory is within 10 % of the base'],
    ['a slot', after({ slots: 1 }), 'slots are back'],
    ['timers', after({ timers: 11 }), 'timers are back'],
    ['descriptors', after({ descriptors: 29 }), 'descriptors are back'],
    [
      'a slow loop',
      { loop: { p99Ms: 100, ownP99Ms: 30, mostMs: 100, busy: 0.3 } },
      "p99 of the event loop's delay is below 100 ms",
    ],
    [
      'a slow loop on a busy machine',
      { loop: { p99Ms: 300, ownP99Ms: 100, mostMs: 300, busy: 0.3 }, idleP99Ms: 70 },
      "p99 of the event loop's delay is below 100 ms",
    ],
    [
      'an unserved client',
      { probes: [{ ms: 5, result: 'status 503' }] },
      'an honest client is served throughout',
    ],
    [
      'a client that waits',
      { probes: [{ ms: 1_000, result: 'status 200' }] },
      'an honest client is served within 1000 ms (p99; only judged where an idle process is on time)',
    ],
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
