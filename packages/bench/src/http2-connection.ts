import { connect } from 'node:http2'

import type { Connection } from './connection.ts'

/** Opens an HTTP/2 session that has one request at a time. `undefined`: that failed. */
export function openHttp2Connection(port: number): Promise<Connection | undefined> {
  return new Promise((resolve) => {
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    const use: Connection['use'] = async (takeRequest, length, latencies) => {
      for (let request = takeRequest(); request !== undefined; request = takeRequest()) {
        const sentAt = performance.now()
        const isRight = await new Promise<boolean>((settle) => {
          let [status, received] = [0, 0]
          const stream = session.request(headersOf(request.toString()))
          stream.on('response', (headers) => (status = headers[':status'] ?? 0))
          stream.on('data', (bytes: Buffer) => (received += bytes.length))
          stream.on('error', () => settle(false))
          stream.on('close', () => settle(status === 200 && received === length))
        })
        if (!isRight) {
          session.destroy()
          return false
        }
        latencies.push(performance.now() - sentAt)
      }
      session.close()
      return true
    }
    session.on('error', () => resolve(undefined))
    session.on('connect', () => resolve({ use }))
  })
}

/** The header fields of an HTTP/1.1 request, as HTTP/2 has them. */
function headersOf(request: string): Record<string, string> {
  const [first = '', ...lines] = request.trim().split('\r\n')
  const headers: Record<string, string> = { ':method': 'GET', ':path': first.split(' ')[1] ?? '/' }
  for (const line of lines) {
    const [name = '', value = ''] = line.split(': ')
    if (name !== 'Host') headers[name.toLowerCase()] = value
  }
  return headers
}
