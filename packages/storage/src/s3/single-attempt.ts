import type { GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'

import { readErrorBody } from '../upstream/error-body.ts'
import { readLastModified } from '../upstream/last-modified.ts'
import { discardBody } from '../upstream/open-body.ts'
import { isTranscoded } from './transcoding.ts'
import { member } from './upstream-of.ts'

/** Prepares a command to be sent exactly once, or twice if the service decompressed the object ({@link isTranscoded}). */
export type SingleAttempt = <C extends GetObjectCommand | HeadObjectCommand>(
  command: C,
  sums?: 'unchecked' | 'as configured',
) => C

/**
 * Prepares the commands of one client. The client's retries are switched off. The store retries instead: it knows the deadline,
 * the retry budget and whether a resume is running. If a version of the client does not allow that, its retries stay on. The
 * bodies of error responses are read here, within limits, before the client collects them.
 *
 * `'unchecked'` is for a range of an object. Some stores send the checksum of the whole object with a range, and the client
 * would report every such range as corrupt.
 */
export function singleAttempt(client: S3Client): SingleAttempt {
  const replaceable = canReplaceRetries(client)
  return (command, sums = 'as configured') => {
    const stack: CommandStack = command.middlewareStack
    if (replaceable) stack.add((next) => (args) => next(args), RETRIES)
    stack.add((next) => async (args) => bounded(await sendStored(args, next)), ANSWERS)
    if (sums === 'unchecked')
      stack.add((next) => (args) => next(withoutSum(args)), { step: 'build', name: 'sallyportUnchecked' })
    return command
  }
}

type CommandStack = GetObjectCommand['middlewareStack']

const RETRIES = {
  step: 'finalizeRequest',
  priority: 'high',
  name: 'retryMiddleware',
  override: true,
} as const

/** Next to the HTTP handler, so that it runs before any middleware of the client or the host reads the body. */
const ANSWERS = { step: 'deserialize', priority: 'low', name: 'sallyportErrorBody' } as const

/** Sends a request, so that the response has the object as it is stored. */
async function sendStored<I extends { readonly request: unknown }, A extends { readonly response: unknown }>(
  args: I,
  next: (args: I) => Promise<A>,
): Promise<A> {
  const answer = await next(args)
  if (!isTranscoded(member(answer.response, 'headers'))) return answer
  discardBody(member(answer.response, 'body'))
  const headers = member(args.request, 'headers')
  if (typeof headers === 'object' && headers !== null) Reflect.set(headers, 'accept-encoding', 'gzip')
  return next(args)
}

/** Reads the body of an error response, and the date of another one. The client treats every status from 300 as an error. */
async function bounded<A extends { response: unknown }>(answer: A): Promise<A> {
  const { response } = answer
  const status = member(response, 'statusCode')
  if (typeof response !== 'object' || response === null || typeof status !== 'number') return answer
  if (status < 300) {
    writeLastModified(member(response, 'headers'))
    return answer
  }
  Reflect.set(response, 'body', await readErrorBody(member(response, 'body'), status))
  return answer
}

/** Rewrites `Last-Modified` as an HTTP-date, because the client throws for any other form. Removes the field if it is not a date. */
function writeLastModified(headers: unknown): void {
  const field = member(headers, 'last-modified')
  if (typeof headers !== 'object' || headers === null || typeof field !== 'string') return
  const date = readLastModified(field)
  if (date) Reflect.set(headers, 'last-modified', date.toUTCString())
  else Reflect.deleteProperty(headers, 'last-modified')
}

function canReplaceRetries(client: S3Client): boolean {
  try {
    client.middlewareStack.clone().add((next) => (args) => next(args), RETRIES)
    return true
  } catch {
    return false
  }
}

function withoutSum<A extends { input: object; request: unknown }>(args: A): A {
  const { request } = args
  const headers: unknown =
    typeof request === 'object' && request !== null && 'headers' in request ? request.headers : undefined
  if (typeof headers === 'object' && headers !== null) Reflect.deleteProperty(headers, 'x-amz-checksum-mode')
  return { ...args, input: { ...args.input, ChecksumMode: undefined } }
}
