// The baseline: no checks, only stat and a piped read stream.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'

import { readSettings } from '../src/settings.ts'
import { listenAny } from './listen.ts'

const { root, organization } = readSettings()

listenAny((request, response) => {
  const [, , exportId = ''] = (request.url ?? '').split('/')
  void send(`${root}/${organization}/${exportId}.csv`, response)
})

async function send(path: string, response: ServerResponse | Http2ServerResponse): Promise<void> {
  const { size } = await stat(path)
  // Its overloads differ, so TypeScript cannot call it on the union.
  const wire: { writeHead(status: number, headers: Record<string, string | number>): unknown } = response
  wire.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Length': size })
  createReadStream(path).pipe(response)
}
