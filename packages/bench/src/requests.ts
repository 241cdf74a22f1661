import { open } from 'node:fs/promises'

/** Whole requests, sent in turn, over and over: as texts, or as a file where they are many. */
export type Requests = readonly string[] | RequestFile

/** Many requests, all of one length, one after the other. */
export interface RequestFile {
  readonly path: string
  readonly bytesEach: number
  /** How many of the file's, from its beginning. */
  readonly count: number
}

/** Gives each request by its turn; behind the last one comes the first. */
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
