import type { GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'

/** Prepares a command to be sent exactly once. */
export type SingleAttempt = <C extends GetObjectCommand | HeadObjectCommand>(
  command: C,
  sums?: 'unchecked' | 'as configured',
) => C

/**
 * How the commands of one client are sent once: its own retries stand aside for the store's, which know of the deadline,
 * of the budget, and of the resume they may be part of. Where a release of the client lets nobody replace them, they stay.
 *
 * `'unchecked'` is for a part of an object: beside it some stores send the sum of the whole, and the client would call
 * every such part corrupt.
 */
export function singleAttempt(client: S3Client): SingleAttempt {
  const replaceable = canReplaceRetries(client)
  return (command, sums = 'as configured') => {
    const stack: CommandStack = command.middlewareStack
    if (replaceable) stack.add((next) => (args) => next(args), RETRIES)
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
