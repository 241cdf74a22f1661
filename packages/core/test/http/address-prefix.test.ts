import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { addressPrefixes } from '../../src/http/address-prefix.ts'

const site = ['2001:db8:1:2300::/56', '2001:db8:1::/48', '2001:db8::/32']
const ipv4 = ['203.0.113.9', '203.0.113.0/24', '203.0.0.0/16']

describe('the networks of an address', () => {
  test.each([
    '203.0.113.9',
    ' 203.0.113.9 ',
    '203.0.113.9:51234',
    '203.0.113.9:_hidden',
    '"203.0.113.9:51234"',
    '203.000.113.009',
    '[203.0.113.9]:80',
    '::ffff:203.0.113.9',
    '::FFFF:203.0.113.9',
    '::ffff:203.0.113.009',
    '::ffff:cb00:7109',
    '0:0:0:0:0:ffff:203.0.113.9',
    '0000:0000:0000:0000:0000:ffff:cb00:7109',
    '[::ffff:203.0.113.9]:443',
    '64:ff9b::203.0.113.9',
    '64:ff9b::cb00:7109',
    '64:ff9b:1:fffe::203.0.113.9',
    '::ffff:0:203.0.113.9',
    '2002:cb00:7109::1',
    '2002:cb00:7109:ff00::1',
  ])('%j is the IPv4 address 203.0.113.9', (address) => {
    expect(addressPrefixes(address)).toEqual(ipv4)
  })

  test.each([
    '2001:db8:1:2300::1',
    '2001:db8:1:23ff:ffff:ffff:ffff:ffff',
    '2001:DB8:1:2300::1',
    '2001:0db8:0001:2300::0001',
    '[2001:db8:1:2300::1]',
    '[2001:db8:1:2300::1]:443',
    '"[2001:db8:1:2300::1]"',
    '"[2001:db8:1:2300::1]:443"',
    '\t2001:db8:1:2300::1',
    '2001:db8:1:2300::1%eth0',
    '2001:db8:1:2300::203.0.113.9',
  ])('%j is in the site 2001:db8:1:2300::/56', (address) => {
    expect(addressPrefixes(address)).toEqual(site)
  })

  test.each([
    ['2001:db8:1:2400::1', '2001:db8:1:2400::/56'],
    ['fe80::1%eth0', 'fe80:0:0:0::/56'],
    ['::', '0:0:0:0::/56'],
    ['::1', '0:0:0:0::/56'],
    ['64:ff9b:2::203.0.113.9', '64:ff9b:2:0::/56'],
  ])('%s → %s', (address, prefix) => {
    expect(addressPrefixes(address)[0]).toBe(prefix)
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
    '203.0.113.256',
    '203.0.113',
    '203.0.113.9, 198.51.100.1',
    'a b',
    `2001:db8::1%${'x'.repeat(100)}`,
  ])('%j is not an address and is its own name', (text) => {
    expect(addressPrefixes(text)).toEqual([text])
  })

  test('every spelling within one /56 gives one prefix', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    fc.assert(
      fc.property(
        fc.integer({ min: 0x2003, max: 0xffff }),
        fc.array(group, { minLength: 7, maxLength: 7 }),
        fc.array(group, { minLength: 5, maxLength: 5 }),
        (a, groups, others) => {
          const [b = 0, c = 0, d = 0] = groups
          const neighbour = [a, b, c, (d & 0xff00) | ((others[0] ?? 0) & 0xff), ...others.slice(1)]
          const spelt = (numbers: readonly number[]): string =>
            numbers.map((number) => number.toString(16)).join(':')
          const padded = (numbers: readonly number[]): string =>
            `[${numbers.map((number) => number.toString(16).padStart(4, '0')).join(':')}]:443`
          expect(addressPrefixes(padded(neighbour))).toEqual(addressPrefixes(spelt([a, ...groups])))
        },
      ),
    )
  })

  test('no text throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(addressPrefixes(text).length).toBeGreaterThan(0)
      }),
    )
  })
})
