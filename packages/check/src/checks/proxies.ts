import { type Check, fail, must, pass, skip, warn } from '../check.ts'
import { field } from '../exchange.ts'
import { readList } from '../fields.ts'

const slowMs = 2_000

/** What proxies on the way do to a download. */
export const proxies: readonly Check[] = [
  {
    id: 'proxies.chain',
    title: 'The servers on the way',
    reference: 'RFC 9110 §7.6.3',
    consequence: 'None: this tells you who answered.',
    judge: (get) => {
      const seen = ['via', 'server', 'x-cache'].flatMap((name) => {
        const value = field(get, name)
        return value === undefined ? [] : [`${name}: ${value}`]
      })
      return pass(seen.length > 0 ? seen.join('; ') : 'none says its name')
    },
  },
  {
    id: 'proxies.cache',
    title: 'No cache answers in place of the endpoint',
    reference: 'RFC 9111 §5.1',
    consequence: 'It downloads an export that has been deleted, or that it may no longer have.',
    isOurs: true,
    judge: (_, { get, answer }) => {
      const cached = [get, answer('again'), answer('noCredentials')].find(
        (one) => one && (Number(field(one, 'age') ?? 0) > 0 || /\bHIT\b/i.test(field(one, 'x-cache') ?? '')),
      )
      return must(cached === undefined, 'none', `${cached?.probe} was answered by a cache`)
    },
  },
  {
    id: 'proxies.no-transform',
    title: 'Cache-Control forbids proxies to transform the export',
    reference: 'RFC 9110 §7.7',
    consequence: 'A proxy compresses the export and drops its length.',
    isOurs: true,
    judge: (get) => {
      const control = readList(field(get, 'cache-control'))
      return must(
        control.includes('no-transform'),
        'no-transform',
        `Cache-Control: ${control.join(', ') || 'absent'}`,
      )
    },
  },
  {
    id: 'proxies.compression',
    title: 'Nothing on the way compresses the export',
    reference: 'RFC 9110 §7.7',
    consequence: 'It sees no size, and cannot resume.',
    isOurs: true,
    after: ['proxies.no-transform', 'encodings.etag', 'encodings.vary', 'encodings.identity'],
    probe: 'gzip',
    judge: (gzip, { get }) => {
      const coding = field(gzip, 'content-encoding')
      const isSame = coding === field(get, 'content-encoding')
      const lost = get.fields.has('content-length') && !gzip.fields.has('content-length')
      if (lost)
        return fail(
          `Content-Length is lost for a client that takes gzip (Content-Encoding: ${coding ?? 'absent'})`,
        )
      return must(isSame, 'not compressed', `Content-Encoding: ${coding ?? 'absent'}`)
    },
  },
  {
    id: 'proxies.buffering',
    title: 'The first byte of the whole export comes as soon as that of a range',
    reference: 'docs/behind-a-proxy.md',
    consequence: 'It runs into its timeout while a proxy stores the whole export.',
    probe: 'firstRange',
    judge: (range, { get, answer, size }) => {
      if (range.status !== 206) return skip('no range to compare with')
      const whole = [get, answer('again'), answer('gzip')].flatMap((one) => one?.firstByteMs ?? [])
      const fastest = Math.round(Math.min(...whole))
      const isSlow = fastest > slowMs && fastest > 10 * range.firstByteMs
      return isSlow
        ? warn(
            `${fastest} ms for ${size ?? 'unknown'} bytes, ${Math.round(range.firstByteMs)} ms for 10 bytes`,
          )
        : pass(`${fastest} ms`)
    },
  },
  {
    id: 'proxies.long-token',
    title: 'A token of 8,192 characters reaches the endpoint',
    reference: 'RFC 9110 §5.4',
    consequence: 'A user with many groups in the token is refused with 400, 431 or 502.',
    isOurs: true,
    after: ['authentication.wrong'],
    probe: 'longToken',
    judge: (answer, { answer: other }) => {
      const usual = other('wrongCredentials')?.status ?? 401
      return must(
        answer.status === usual,
        String(answer.status),
        `answered with ${answer.status}, a short one with ${usual}`,
      )
    },
  },
]
