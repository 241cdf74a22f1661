import { startTimer } from '@sallyport/core'

import { type ResponseBody, streamBody } from './response-body.ts'

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
 * Reads the body of an error response. Closes the connection as soon as the body has more than 64 KiB or takes more than 2 seconds.
 *
 * A body with a document type declaration counts as empty: when the SDK parses it, its entities could expand to any size. S3 and
 * Azure do not send one. The response is then classified by its status only.
 *
 * @param body - `undefined`: there is no body
 * @throws {@link ErrorBodyCut}, or the error of the body
 */
export async function readErrorBody(body: ResponseBody | undefined, status: number): Promise<Buffer> {
  if (!body) return Buffer.alloc(0)
  let tooLong = false
  const cut = (): void => {
    tooLong = true
    body.close()
  }
  const timer = startTimer(cut, LONGEST_MS)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value: chunk } = await body.next()
      if (done === true) break
      const bytes = Buffer.from(chunk instanceof Uint8Array ? chunk : String(chunk))
      size += bytes.length
      if (size > MOST_BYTES) throw new ErrorBodyCut(status)
      chunks.push(bytes)
    }
  } catch (error) {
    throw tooLong ? new ErrorBodyCut(status) : error
  } finally {
    clearTimeout(timer)
    body.close()
  }
  const whole = Buffer.concat(chunks)
  return DOCUMENT_TYPE.test(whole.toString('latin1')) ? Buffer.alloc(0) : whole
}

/**
 * As {@link readErrorBody}, for the body from an SDK's HTTP handler: the SDK itself would collect a body of any length.
 *
 * @param stream - `undefined` or `null`: there is no body
 * @throws also {@link ErrorBodyCut} for something else than a stream, because its length cannot be limited here
 */
export async function readErrorStream(stream: unknown, status: number): Promise<Buffer> {
  const body = streamBody(stream)
  if (!body && stream !== undefined && stream !== null) throw new ErrorBodyCut(status)
  return readErrorBody(body, status)
}

const DOCUMENT_TYPE = /<!doctype|<!entity/i
