import {
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'

import { readErrorStream } from '../upstream/error-body.ts'
import { streamBody } from '../upstream/response-body.ts'
import { isTranscoded, readLastModified, type S3Answer } from './answer.ts'
import { member } from './upstream-of.ts'

/** One HEAD or GET of an object. With `ChecksumMode`, S3 sends the object's checksums. */
export interface S3Request {
  readonly method: 'GET' | 'HEAD'
  readonly input: Pick<
    GetObjectCommandInput,
    'Bucket' | 'ChecksumMode' | 'ExpectedBucketOwner' | 'IfMatch' | 'Range' | 'VersionId'
  > & { readonly Key: string }
}

/** Sends a request by the client, once, or twice if the service decompressed the object ({@link isTranscoded}). */
export type SendBySdk = (
  request: S3Request,
  signal: AbortSignal,
) => Promise<{
  readonly answer: S3Answer
  /** The signed request, as the client gave it to its HTTP handler. `undefined`: it did not, as a mock does not. */
  readonly sent: unknown
}>

/**
 * Sends the requests of one store by the client. The client's retries are switched off. The store retries instead: it knows the
 * deadline, the retry budget and whether a resume is running. If a version of the client does not allow that, its retries stay on.
 * The bodies of error responses are read here, within limits, before the client collects them.
 *
 * The client does not verify checksums: it would do that in JavaScript, and some stores send the checksum of the whole object with
 * a range.
 */
export function createSendBySdk(client: S3Client): SendBySdk {
  const replaceable = canReplaceRetries(client)
  return async ({ method, input }, signal) => {
    let sent: unknown
    const prepare = <C extends GetObjectCommand | HeadObjectCommand>(command: C): C => {
      const stack: GetObjectCommand['middlewareStack'] = command.middlewareStack
      if (replaceable) stack.add((next) => (args) => next(args), RETRIES)
      stack.add(
        (next) => (args) => {
          setHeader(args.request, 'x-amz-checksum-mode', input.ChecksumMode)
          return next({ ...args, input: { ...args.input, ChecksumMode: undefined } })
        },
        CHECKSUMS,
      )
      stack.add(
        (next) => async (args) => {
          const answer = await sendStored(args, next)
          sent = args.request
          return bounded(answer)
        },
        ANSWERS,
      )
      return command
    }
    const options = { abortSignal: signal }
    const { Body, ...answer } = await (method === 'HEAD'
      ? client
          .send(prepare(new HeadObjectCommand(input)), options)
          .then((head) => ({ ...head, Body: undefined }))
      : client.send(prepare(new GetObjectCommand(input)), options))
    return { answer: { ...answer, Body: streamBody(Body) }, sent }
  }
}

const RETRIES = {
  step: 'finalizeRequest',
  priority: 'high',
  name: 'retryMiddleware',
  override: true,
} as const
const CHECKSUMS = { step: 'build', name: 'sallyportChecksums' } as const
/** Next to the HTTP handler, so that it runs before any middleware of the client or the host reads the body. */
const ANSWERS = { step: 'deserialize', priority: 'low', name: 'sallyportErrorBody' } as const

/** Sends a request, so that the response has the object as it is stored. */
async function sendStored<I extends { readonly request: unknown }, A extends { readonly response: unknown }>(
  args: I,
  next: (args: I) => Promise<A>,
): Promise<A> {
  const answer = await next(args)
  if (!isTranscoded(member(answer.response, 'headers'))) return answer
  streamBody(member(answer.response, 'body'))?.close()
  setHeader(args.request, 'accept-encoding', 'gzip')
  return next(args)
}

/** Reads the body of an error response, and the date of another one. The client treats every status from 300 as an error. */
async function bounded<A extends { response: unknown }>(answer: A): Promise<A> {
  const { response } = answer
  const status = member(response, 'statusCode')
  if (typeof response !== 'object' || response === null || typeof status !== 'number') return answer
  if (status < 300) {
    // The client throws for a `Last-Modified` that is no HTTP-date.
    const field = member(member(response, 'headers'), 'last-modified')
    if (typeof field === 'string')
      setHeader(response, 'last-modified', readLastModified(field)?.toUTCString())
    return answer
  }
  Reflect.set(response, 'body', await readErrorStream(member(response, 'body'), status))
  return answer
}

function canReplaceRetries(client: S3Client): boolean {
  try {
    client.middlewareStack.clone().add((next) => (args) => next(args), RETRIES)
    return true
  } catch {
    return false
  }
}

/** Sets a header of a request or response. `undefined` removes it. */
function setHeader(message: unknown, name: string, value: string | undefined): void {
  const headers = member(message, 'headers')
  if (typeof headers !== 'object' || headers === null) return
  if (value === undefined) Reflect.deleteProperty(headers, name)
  else Reflect.set(headers, name, value)
}
