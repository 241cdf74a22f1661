import type { RefusalDetail } from '../../src/refusals.ts'
import { refusalDetail } from '../../src/refusals.ts'

/** What a step refuses with. Fails where it does not refuse. */
export const refused = (step: () => unknown): RefusalDetail => detailOf(thrownBy(step))

/** What a refusal of a step was caused by, as text. */
export function causeOf(step: () => unknown): string {
  const error = thrownBy(step)
  return error instanceof Error ? String(error.cause) : String(error)
}

function thrownBy(step: () => unknown): unknown {
  try {
    step()
  } catch (error) {
    return error
  }
  throw new Error('it was not refused')
}

/** What a step refuses with in the end. */
export const refusedLater = (step: Promise<unknown>): Promise<RefusalDetail> =>
  step.then(() => {
    throw new Error('it was not refused')
  }, detailOf)

function detailOf(error: unknown): RefusalDetail {
  const detail = refusalDetail(error)
  if (!detail) throw error
  return detail
}
