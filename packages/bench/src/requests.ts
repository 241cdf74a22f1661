import { open } from 'node:fs/promises'

/** Requests that are sent in turn, repeatedly. As texts, or as a file if there are many. */
export type Requests = readonly string[] | RequestFile

/** A file of requests of equal length. */
export interface RequestFile {
  readonly path: string
  readonly bytesEach: number
  /** How many requests of the file are used, from its beginning. */
  readonly count: number
}

/** Returns the request with an index. After the last one, the first one follows. */
export async function openRequests(requests: Requests): Promise<(turn: number) => string | Uint8Array> {
  if (!('path' in requests)) return (turn) => requests[turn % requests.length] ?? ''
  const { path, bytesEach, count } = requests
  const bytes = Buffer.allocUnsafeSlow(bytesEach * count)
  const file = await open(path)
  try {
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    if (bytesRead < bytes.length) throw new Error(`${path} holds fewer than ${count} requests`)
  } finally {
    await file.close()
  }
  return (turn) => {
    const at = (turn % count) * bytesEach
    return bytes.subarray(at, at + bytesEach)
  }
}
