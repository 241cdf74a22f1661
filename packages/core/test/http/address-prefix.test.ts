import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { addressPrefix } from '../../src/http/address-prefix.ts'

describe('what of an address its caller cannot choose', () => {
  test.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2300::1', '2001:db8:1:2300::/56'],
    ['2001:db8:1:23ff:ffff:ffff:ffff:ffff', '2001:db8:1:2300::/56'],
    ['2001:DB8:1:2300::1', '2001:db8:1:2300::/56'],
    ['2001:db8:1:2400::1', '2001:db8:1:2400::/56'],
    ['fe80::1%eth0', 'fe80:0:0:0::/56'],
    ['::', '0:0:0:0::/56'],
    ['::1', '0:0:0:0::/56'],
    ['64:ff9b::203.0.113.9', '64:ff9b:0:0::/56'],
  ])('%s → %s', (address, prefix) => {
    expect(addressPrefix(address)).toBe(prefix)
  })

  test.each([
    '',
    'unknown',
    '1:2:3',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '1:2:3:4:5:6:7::8:9',
    'a b',
  ])('%j is no address and stands for itself', (text) => {
    expect(addressPrefix(text)).toBe(text)
  })

  test('every spelling within one /56 gives one prefix', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 8, maxLength: 8 }),
        fc.array(group, { minLength: 5, maxLength: 5 }),
        (groups, others) => {
          const [a = 0, b = 0, c = 0, d = 0] = groups
          const neighbour = [a, b, c, (d & 0xff00) | ((others[0] ?? 0) & 0xff), ...others.slice(1)]
          const spelt = (numbers: readonly number[]): string =>
            numbers.map((number) => number.toString(16)).join(':')
          expect(addressPrefix(spelt(neighbour))).toBe(addressPrefix(spelt(groups)))
        },
      ),
    )
  })

  test('no text throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typeof addressPrefix(text)).toBe('string')
      }),
    )
  })
})
