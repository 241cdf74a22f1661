// The baseline: no checks, only stat and a piped read stream.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'

import { readSettings } from '../src/settings.ts'
import { listen } from './listen.ts'

const { root, organization } = readSettings()

listen((request, response) => {
  const [, , exportId = ''] = (request.url ?? '').split('/')
  void send(`${root}/${organization}/${exportId}.csv`, response)
})

async function send(path: string, response: ServerResponse): Promise<void> {
  const { size } = await stat(path)
  response.writeHead(200, { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Length': size })
  createReadStream(path).pipe(response)
}
