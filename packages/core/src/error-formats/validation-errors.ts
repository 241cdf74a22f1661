import * as check from '../check-options.ts'
import { reasonPhrase } from '../http/reason-phrase.ts'
import type { ErrorFormat, InvalidField, RefusalKind } from '../refusals.ts'

const longestInput = 128

type Options = NonNullable<Parameters<typeof validationErrors>[0]>
const optionsCheck = check.object<Options>('{ detail? }', {
  detail: check.oneOf('brief', 'full').optional(),
})

/**
 * Refusals as FastAPI words them: `{"detail": …}`, `application/json`. For `'invalid_request'` 422 and a list of the
 * faults, else the status and one phrase; the kinds of 404 read alike.
 *
 * @param options - `detail`: `'brief'` shows `type`, `loc` and `msg` of a fault; `'full'` adds `input`, cut to 128
 *   characters, and `ctx`
 * @defaultValue `{ detail: 'brief' }`
 * @throws TypeError for any other `detail`, and for an unknown option
 */
export function validationErrors(options: { readonly detail?: 'brief' | 'full' } = {}): ErrorFormat {
  check.checkOptions('validationErrors', options, optionsCheck)
  const { detail = 'brief' } = options
  const show = detail === 'full' ? inFull : inBrief
  return ({ kind, status, fields = [] }) =>
    kind === 'invalid_request'
      ? answer(422, fields.map(show))
      : answer(status, phrases[kind] ?? reasonPhrase(status))
}

const phrases: Partial<Record<RefusalKind, string>> = {
  token_missing: 'Not authenticated',
  token_invalid: 'Could not validate credentials',
}

const answer = (status: number, detail: unknown): ReturnType<ErrorFormat> => ({
  status,
  contentType: 'application/json',
  body: JSON.stringify({ detail }),
})

const inBrief = ({ type, loc, msg }: InvalidField): object => ({ type, loc, msg })

const inFull = ({ type, loc, msg, input, ctx }: InvalidField): object => ({
  type,
  loc,
  msg,
  // A cut through a character leaves half of it, which UTF-8 cannot write.
  input: input?.slice(0, longestInput).toWellFormed() ?? null,
  ctx,
})
