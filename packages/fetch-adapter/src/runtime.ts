// Globals of other runtimes. `typeof` is safe for those that do not exist.
declare const Bun: { readonly version: string } | undefined
declare const FixedLengthStream: (new (length: number) => TransformStream<Uint8Array, Uint8Array>) | undefined

/** The first Bun on which a cut download does not look complete (oven-sh/bun#36477). */
const firstBun = [1, 4, 3]

/**
 * Throws on a runtime that would send a wrong download, because no request can show that to its client.
 *
 * @param caller - the name of the function that mounts the handler. The message begins with it
 * @param version - the version of Bun. Absent: another runtime
 * @throws TypeError with the reason
 */
export function requireSafeRuntime(
  caller: string,
  onLostLength: 'refuse' | 'allow' = 'refuse',
  version: string | undefined = typeof Bun === 'undefined' ? undefined : Bun.version,
): void {
  if (version === undefined) return
  const refuse = (reason: string): never => {
    throw new TypeError(`${caller}: Bun ${version} ${reason}`)
  }
  if (isBefore(version, firstBun))
    refuse(`would end a download that was cut as if it were complete. Use Bun ${firstBun.join('.')} or later`)
  if (onLostLength === 'refuse')
    refuse("drops Content-Length from downloads. Pass onLostLength: 'allow' to send them in chunks")
}

function isBefore(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map(Number)
  const at = least.findIndex((number, index) => parts[index] !== number)
  return at >= 0 && !((parts[at] ?? 0) > (least[at] ?? 0))
}

/** Cloudflare Workers send a Content-Length only for a stream of this class. */
export function withLength(stream: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  if (typeof FixedLengthStream === 'undefined') return stream
  const { readable, writable } = new FixedLengthStream(length)
  // The readable side has the same error.
  stream.pipeTo(writable).catch(() => undefined)
  return readable
}
