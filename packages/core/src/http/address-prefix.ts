import { isIPv4, isIPv6 } from 'node:net'

/**
 * Names the networks of a client's address, smallest first. The first one cannot be chosen by the client: the whole IPv4 address,
 * or the first 56 bits of an IPv6 address, which one site usually gets (RFC 6177). The larger networks follow: /24 and /16 of
 * IPv4, /48 and /32 of IPv6.
 *
 * Accepts the forms that proxies write: with a port, in brackets, in quotes (RFC 7239 §6), with spaces, with a zone, with leading
 * zeros, and in any spelling of IPv6 (RFC 4291 §2.2). An IPv6 address that contains an IPv4 address counts as the IPv4 address:
 * mapped (RFC 4291 §2.5.5.2), translated by NAT64 or SIIT (RFC 6052 §2.1, RFC 8215, RFC 7915), or 6to4 (RFC 3056).
 *
 * @param address - text of any length
 * @returns at least one name. If the text is not an address, the text itself
 */
export function addressPrefixes(address: string): readonly [string, ...string[]] {
  const host = hostOf(address)
  if (isIPv4(host)) return ipv4Prefixes(host)
  if (!isIPv6(host)) return [address]
  const groups = ipv6Groups(host)
  const embedded = embeddedIpv4(groups)
  if (embedded !== undefined) return ipv4Prefixes(embedded)
  const [a = 0, b = 0, c = 0, d = 0] = groups
  return [prefix(56, [a, b, c, d & 0xff00]), prefix(48, [a, b, c]), prefix(32, [a, b])]
}

/** Longer than any address with zone, port, brackets and quotes. */
const longestAddress = 100

/** Removes the port, brackets, quotes and zone that proxies add. */
function hostOf(address: string): string {
  if (address.length > longestAddress) return ''
  const text = address.trim().replace(/^"(.*)"$/, '$1')
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\]|(\d+\.\d+\.\d+\.\d+))(?::[\w.-]*)?$/.exec(text) ?? []
  const [host = ''] = (bracketed ?? dotted ?? text).trim().split('%', 1)
  return host.replace(/(?:\d{1,3}\.){3}\d{1,3}$/, (quad) => quad.split('.').map(Number).join('.'))
}

function ipv4Prefixes(address: string): readonly [string, ...string[]] {
  const [a = '', b = '', c = ''] = address.split('.')
  return [address, `${a}.${b}.${c}.0/24`, `${a}.${b}.0.0/16`]
}

/** The eight numbers of a valid IPv6 address. */
function ipv6Groups(address: string): readonly number[] {
  const [head = '', tail = ''] = withoutDots(address).split('::')
  const [before, after] = [numbers(head), numbers(tail)]
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
}

/** The last 32 bits may be written as IPv4 (RFC 4291 §2.2). */
const withoutDots = (address: string): string =>
  address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })

const numbers = (text: string): readonly number[] =>
  text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))

/** IPv6 prefixes whose last 32 bits are an IPv4 address: mapped, SIIT, NAT64, and NAT64 of a local network. */
const carriers: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0, 0xffff],
  [0, 0, 0, 0, 0xffff, 0],
  [0x64, 0xff9b, 0, 0, 0, 0],
  [0x64, 0xff9b, 1],
]
const sixToFour = 0x2002

function embeddedIpv4(groups: readonly number[]): string | undefined {
  const isCarried = carriers.some((prefix) => prefix.every((group, index) => groups[index] === group))
  const from = isCarried ? 6 : groups[0] === sixToFour ? 1 : undefined
  if (from === undefined) return undefined
  const [high = 0, low = 0] = groups.slice(from, from + 2)
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

const prefix = (length: number, groups: readonly number[]): string =>
  `${groups.map((group) => group.toString(16)).join(':')}::/${length}`
