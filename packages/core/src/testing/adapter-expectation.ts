import { deepEqual, equal, match } from 'node:assert/strict'

import type { ExportRequest } from '../request-response.ts'
import { sameBytes } from './store-scene.ts'
import { createWatchedHandler } from './watched-handler.ts'
import { valueOf, type WireAnswer, type WireRequest } from './wire.ts'

/** The response of the handler without a server. An adapter must send exactly this. */
export async function expectedAnswer(
  { method, path, headers }: WireRequest,
  params: ExportRequest['params'],
  route: 'handle' | 'handleTicket' = 'handle',
): Promise<WireAnswer> {
  const answer = await createWatchedHandler().handler[route]({
    method,
    url: path,
    params,
    header: (wanted) => {
      const values = headers.flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []))
      return values.length > 0 ? values.join(', ') : undefined
    },
    signal: new AbortController().signal,
  })
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body ?? []) chunks.push(chunk)
  return { status: answer.status, headers: Object.entries(answer.headers), body: Buffer.concat(chunks) }
}

/**
 * Expects the received response to equal the handler's: status, header fields with their order and case, and bytes. A server may
 * add only `Date`, and over HTTP/1.1 `Connection` and `Keep-Alive`.
 */
export function sameAnswer(seen: WireAnswer, expected: WireAnswer, over: 'http/1.1' | 'h2'): void {
  const added = over === 'h2' ? ['date'] : ['Date', 'Connection', 'Keep-Alive']
  const named = ([name, value]: readonly [string, string]): readonly [string, string] => [
    over === 'h2' ? name.toLowerCase() : name,
    value.replace(boundaryOf(expected), 'BOUNDARY').replace(boundaryOf(seen), 'BOUNDARY'),
  ]
  const isAdded = (name: string): boolean => added.includes(name)
  const ours = expected.headers.filter(([name]) => !isAdded(name))
  equal(seen.status, expected.status, 'status')
  deepEqual(seen.headers.filter(([name]) => !isAdded(name)).map(named), ours.map(named), 'header fields')
  match(valueOf(seen, 'date') ?? '', /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
  sameBytes(unbounded(seen), unbounded(expected), 'the body')
}

/** The random boundary of a multipart response. */
const boundaryOf = (answer: WireAnswer): string =>
  /boundary=(.+)$/.exec(valueOf(answer, 'content-type') ?? '')?.[1] ?? 'BOUNDARY'

const unbounded = (answer: WireAnswer): Uint8Array => {
  const boundary = boundaryOf(answer)
  if (boundary === 'BOUNDARY') return answer.body
  return Buffer.from(Buffer.from(answer.body).toString('latin1').replaceAll(boundary, 'BOUNDARY'), 'latin1')
}
