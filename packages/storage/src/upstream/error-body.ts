import { Readable } from 'node:stream'

/** Bytes of the longest body that is read of an answer that opens no object. */
const MOST_BYTES = 65_536
/** Milliseconds that such a body may take, from its head to its end. */
const LONGEST_MS = 2000

/** Thrown for an answer that opens no object and whose body was cut, because it was too long or took too long. */
export class ErrorBodyCut extends Error {
  /** The status of the answer. */
  readonly status: number

  constructor(status: number) {
    super('the body of an answer that opens no object was cut')
    this.name = 'ErrorBodyCut'
    this.status = status
  }
}

/**
 * Reads the body of an answer that opens no object, so that the SDK cannot collect a body without end in its place. Closes
 * the connection as soon as the body has more than 64 KiB or takes more than 2 seconds.
 *
 * A body that declares a document type is read as an empty one: its entities could expand to any size when the SDK parses
 * it, and neither S3 nor Azure declares one. The answer is then classified by its status alone.
 *
 * @param body - as the client's HTTP handler gives it. `undefined` or `null`: there is none
 * @throws {@link ErrorBodyCut}, or what the body fails with
 */
export async function readErrorBody(body: unknown, status: number): Promise<Buffer> {
  if (body === undefined || body === null) return Buffer.alloc(0)
  if (!(body instanceof Readable)) throw new ErrorBodyCut(status) // nothing here could bound it
  let tooLong = false
  const cut = (): void => {
    tooLong = true
    body.destroy()
  }
  const timer = setTimeout(cut, LONGEST_MS)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<unknown>) {
      const bytes = Buffer.from(chunk instanceof Uint8Array ? chunk : String(chunk))
      size += bytes.length
      if (size > MOST_BYTES) throw new ErrorBodyCut(status)
      chunks.push(bytes)
    }
  } catch (error) {
    throw tooLong ? new ErrorBodyCut(status) : error
  } finally {
    clearTimeout(timer)
  }
  const whole = Buffer.concat(chunks)
  return DOCUMENT_TYPE.test(whole.toString('latin1')) ? Buffer.alloc(0) : whole
}

const DOCUMENT_TYPE = /<!doctype|<!entity/i
