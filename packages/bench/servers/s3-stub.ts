// Answers every request for an object at once, so that only the client is measured.
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

import { readStubSettings } from '../src/settings.ts'
import { announcePort } from './listen.ts'

const { bytes, key, cert } = readStubSettings()
const piece = Buffer.alloc(Math.min(bytes, 1_048_576), 'id,name,value\n')
const head = {
  'Content-Type': 'text/csv',
  'Content-Length': bytes,
  ETag: '"8b1a9953c4611296a827abf8c47804d7"',
  'Last-Modified': 'Mon, 02 Jun 2025 10:00:00 GMT',
  'Accept-Ranges': 'bytes',
  'x-amz-request-id': '4442587FB7D0A2F9',
}

function send(response: ServerResponse, left: number): void {
  if (left <= piece.length) return void response.end(piece.subarray(0, left))
  response.write(piece, () => send(response, left - piece.length))
}

const server = (cert === '' ? createServer() : createTlsServer({ key, cert })).on(
  'request',
  ({ method }: { readonly method?: string }, response: ServerResponse) => {
    response.writeHead(200, head)
    if (method === 'HEAD') response.end()
    else send(response, bytes)
  },
)
server.listen(0, '127.0.0.1', () => announcePort(server.address()))
