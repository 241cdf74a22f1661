import { refusalDetail } from '../../src/refusals.ts'

/** How a verification ended: the principal's subject, the kind of a refusal, or the message of any other error. */
export async function verdictOf(verification: Promise<{ readonly subject: string }>): Promise<string> {
  try {
    return (await verification).subject
  } catch (error) {
    return refusalDetail(error)?.kind ?? `threw ${error instanceof Error ? error.message : String(error)}`
  }
}

/** What a refusal gives for its cause; fails where nothing was refused. */
export async function causeOf(verification: Promise<unknown>): Promise<string> {
  const error: unknown = await verification.then(
    () => new Error('not refused'),
    (reason: unknown) => reason,
  )
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? cause.message : `no cause: ${String(error)}`
}

/** The stacks of an error and its causes. */
export function stacksOf(error: unknown): readonly (string | undefined)[] {
  return error instanceof Error ? [error.stack, ...stacksOf(error.cause)] : []
}
