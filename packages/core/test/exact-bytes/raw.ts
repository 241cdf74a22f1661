import type { Socket } from 'node:net'

/** What came over a connection, and how it ended: `'ended'`, `'closed'`, or the code of its error. */
export const readToEnd = (socket: Socket): Promise<{ text: Buffer; ended: string }> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let ended = 'closed'
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => (ended = 'ended'))
    socket.on('error', (error: NodeJS.ErrnoException) => (ended = error.code ?? 'failed'))
    socket.on('close', () => resolve({ text: Buffer.concat(chunks), ended }))
  })
