/**
 * What of a caller's address it cannot choose: an IPv4 address whole, also where it is written as IPv6 (RFC 4291 §2.5.5.2);
 * of any other IPv6 address the first 56 bits, which is what one site is commonly given (RFC 6177). Text that is no address
 * stands for itself.
 */
export function addressPrefix(address: string): string {
  const [bare = ''] = address.split('%', 1)
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(bare)?.[1]
  if (mapped !== undefined) return mapped
  const groups = ipv6Groups(bare)
  if (!groups) return address
  const [a = 0, b = 0, c = 0, d = 0] = groups
  return `${[a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':')}::/56`
}

const longestAddress = 45

/** The eight numbers of an IPv6 address; undefined where it is none. */
function ipv6Groups(text: string): readonly number[] | undefined {
  if (text.length > longestAddress || !/^[0-9a-f:]*(?:\d+\.\d+\.\d+\.\d+)?$/i.test(text)) return undefined
  const [head = '', tail, more] = withoutDots(text).split('::')
  if (more !== undefined) return undefined
  const before = numbers(head)
  const after = tail === undefined ? [] : numbers(tail)
  const missing = 8 - before.length - after.length
  const fits = tail === undefined ? missing === 0 : missing > 0
  const groups = [...before, ...Array.from({ length: fits ? missing : 0 }, () => 0), ...after]
  return fits && groups.every((group) => group <= 0xffff) ? groups : undefined
}

/** The last 32 bits may be written as IPv4 (RFC 4291 §2.2). */
const withoutDots = (text: string): string =>
  text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })

/** An empty group becomes NaN, which is no number of an address. */
const numbers = (text: string): readonly number[] =>
  text === '' ? [] : text.split(':').map((group) => (group === '' ? Number.NaN : Number.parseInt(group, 16)))
