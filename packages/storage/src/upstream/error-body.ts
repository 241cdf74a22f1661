import { Readable } from 'node:stream'

import { startTimer } from '@sallyport/core'

/** The most bytes that are read of the body of an error response. */
const MOST_BYTES = 65_536
/** The most milliseconds that such a body may take, from its head to its end. */
const LONGEST_MS = 2000

/** Thrown if the body of an error response was cut, because it was too long or took too long. */
export class ErrorBodyCut extends Error {
  /** The status of the answer. */
  readonly status: number

  constructor(status: number) {
    super('the body of an error response was cut')
    this.name = 'ErrorBodyCut'
    this.status = status
  }
}

/**
 * Reads the body of an error response, because the SDK itself would collect a body of any length. Closes the connection as soon
 * as the body has more than 64 KiB or takes more than 2 seconds.
 *
 * A body with a document type declaration counts as empty: when the SDK parses it, its entities could expand to any size. S3 and
 * Azure do not send one. The response is then classified by its status only.
 *
 * @param body - the body from the client's HTTP handler. `undefined` or `null`: there is no body
 * @throws {@link ErrorBodyCut}, or the error of the body
 */
export async function readErrorBody(body: unknown, status: number): Promise<Buffer> {
  if (body === undefined || body === null) return Buffer.alloc(0)
  if (!(body instanceof Readable)) throw new ErrorBodyCut(status) // its length cannot be limited here
  let tooLong = false
  const cut = (): void => {
    tooLong = true
    body.destroy()
  }
  const timer = startTimer(cut, LONGEST_MS)
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
