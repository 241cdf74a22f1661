import { request } from 'node:http'

import { authorization } from './guarded.ts'

/** What a parallel download came to. */
export interface Assembled {
  readonly bytes: Buffer
  /** The statuses of all answers. */
  readonly statuses: ReadonlySet<number>
  /** Requests that broke, and were taken up again where they stopped. */
  readonly broken: number
}

const pieceSize = 1_000_003

/**
 * A downloader as they are found in the wild: so many connections, each fetches the next piece by Range, and takes up a
 * broken one where it stopped. `If-Range` keeps it from mixing two files.
 *
 * @param received - called with the number of bytes so far, at every chunk
 */
export async function downloadInParallel(
  url: string,
  { size, etag, connections }: { size: number; etag: string; connections: number },
  received: (bytes: number) => void,
): Promise<Assembled> {
  const bytes = Buffer.alloc(size)
  const statuses = new Set<number>()
  let broken = 0
  let total = 0
  let next = 0

  const fetchFrom = (first: number, last: number): Promise<number> =>
    new Promise((resolve) => {
      let at = first
      const headers = { authorization, range: `bytes=${first}-${last}`, 'if-range': etag }
      const client = request(url, { headers, agent: false }, (response) => {
        statuses.add(response.statusCode ?? 0)
        response.on('data', (chunk: Buffer) => {
          at += chunk.copy(bytes, at)
          total += chunk.length
          received(total)
        })
        response.on('error', () => undefined)
        response.on('close', () => resolve(at))
      })
      client.on('error', () => resolve(at))
      client.end()
    })

  const worker = async (): Promise<void> => {
    for (let first = next; first < size; first = next) {
      const last = Math.min(first + pieceSize, size) - 1
      next = last + 1
      for (let at = first; at <= last;) {
        at = await fetchFrom(at, last)
        if (at > last) break
        broken += 1
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return { bytes, statuses, broken }
}
