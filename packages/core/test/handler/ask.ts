import { connect } from 'node:net'

/** A request as it goes on the wire. A list of values is sent as so many lines; `undefined` is not sent. */
export interface Ask {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** An answer as it came off the wire. */
export interface Answer {
  readonly status: number
  /** In order, spelt as they came. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly field: (name: string) => string | undefined
  /** All that came after the head, as UTF-8. */
  readonly body: string
  /** Whether exactly as many bytes came as Content-Length promises; true where there is none. */
  readonly whole: boolean
}

/** One request over a connection of its own, read until the server closes it. */
export async function ask(port: number, { method = 'GET', path, headers = {} }: Ask): Promise<Answer> {
  const lines = Object.entries(headers).flatMap(([name, values = []]) =>
    [values].flat().map((value) => `${name}: ${value}\r\n`),
  )
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${lines.join('')}\r\n`
  return parse(await send(port, head))
}

/** Sends a text, and gives everything that comes back. A reset ends it like a close. */
export const send = (port: number, text: string): Promise<Buffer> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(chunks)))
    socket.write(text, 'latin1')
  })

function parse(bytes: Buffer): Answer {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) throw new Error(`no head came, but ${bytes.length} bytes`)
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const fields = lines.map((line) => {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? []
    return [name, value] as const
  })
  const field = (wanted: string): string | undefined =>
    fields.find(([name]) => name.toLowerCase() === wanted.toLowerCase())?.[1]
  const body = bytes.subarray(end + 4)
  const length = field('content-length')
  return {
    status: Number(statusLine.split(' ')[1]),
    fields,
    field,
    body: body.toString(),
    whole: length === undefined || Number(length) === body.length,
  }
}

/** Everything of an answer but what differs between any two. */
export const stable = ({ status, fields, body }: Answer): object => ({
  status,
  body,
  fields: fields.filter(([name]) => !['Date', 'RateLimit', 'X-Request-Id'].includes(name)),
})
