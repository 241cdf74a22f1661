// Answers every GetObject at once with an object of 1 KiB, so that only the client is measured.
import { listen } from './listen.ts'

const body = Buffer.alloc(1_024, 'id,name,value\n')
const head = {
  'Content-Type': 'text/csv',
  'Content-Length': body.length,
  ETag: '"8b1a9953c4611296a827abf8c47804d7"',
  'Last-Modified': 'Mon, 02 Jun 2025 10:00:00 GMT',
  'Accept-Ranges': 'bytes',
  'x-amz-request-id': '4442587FB7D0A2F9',
}

listen((_, response) => response.writeHead(200, head).end(body))
