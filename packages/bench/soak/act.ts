import type { SoakExport } from './exports.ts'
import { soakExports } from './exports.ts'

/** The target of the load, and its credentials. */
export interface Target {
  readonly port: number
  readonly token: string
}

/**
 * One action of a client. Resolves with a short description of the result. It begins with `'wrong'` if a byte or the
 * response was wrong. A rejection counts as `'connection failed'`.
 */
export type Act = (target: Target) => Promise<string>

/** A whole number below the limit. */
export const below = (limit: number): number => Math.floor(Math.random() * limit)

/** A random element of a list. */
export function anyOf<T>(list: readonly T[]): T {
  const [first] = list
  const one = list[below(list.length)] ?? first
  if (one === undefined) throw new TypeError('the list is empty')
  return one
}

/** A random export. The largest one is rare, so that the load has many requests and not only bytes. */
export const anyExport = (): SoakExport => {
  const one = anyOf(soakExports)
  return one.size > 2_000_000 && Math.random() < 0.8 ? anyExport() : one
}

/** The largest export: more than the socket buffers of both sides hold. */
export const largestExport = soakExports.reduce((most, one) => (one.size > most.size ? one : most))

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token with a wrong signature, a new one each time. */
export const madeUpToken = (): string =>
  `${segment({ alg: 'RS256', typ: 'at+jwt', kid: 'nobody' })}.${segment({ sub: `stranger-${Math.random()}`, aud: 'exports' })}.${segment({ none: 1 })}`

/** Compares the bytes of a body with those of an export while they arrive. */
export function createBodyCheck(entry: SoakExport, from: number, length: number): BodyCheck {
  const expected = Buffer.from(entry.bytes.buffer, entry.bytes.byteOffset + from, length)
  let received = 0
  let wrong = false
  return {
    take: (bytes) => {
      if (
        received + bytes.length > length ||
        bytes.compare(expected, received, received + bytes.length) !== 0
      )
        wrong = true
      received += bytes.length
    },
    result: (ended) => {
      if (wrong) return 'wrong bytes'
      if (received === length) return 'exact'
      return ended ? 'wrong: short, and ended as if whole' : 'cut'
    },
  }
}

/** See `createBodyCheck`. */
export interface BodyCheck {
  take(bytes: Buffer): void
  /** @param ended - whether the transport reported a complete response */
  result(ended: boolean): string
}
