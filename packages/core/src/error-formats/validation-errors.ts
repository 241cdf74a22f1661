import * as check from '../check-options.ts'
import { reasonPhrase } from '../http/response-fields.ts'
import type { ErrorFormat, InvalidField, RefusalKind } from '../refusals.ts'
import { explainUuid } from './pydantic-uuid.ts'

const longestInput = 128

type Options = NonNullable<Parameters<typeof validationErrors>[0]>
const optionsCheck = check.object<Options>('{ detail? }', {
  detail: check.oneOf('brief', 'full').optional(),
})

/**
 * Creates an error format with the bodies of FastAPI: `{"detail": …}` as `application/json`. `'invalid_request'` has the status 422
 * and a list of all faults. Other kinds have their status and one phrase. All kinds of 404 have the same body.
 *
 * @param options - `detail`: `'brief'` shows `type`, `loc` and `msg` of each fault; `'full'` adds `ctx` and `input`,
 *   shortened to 128 characters
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

function inBrief(field: InvalidField): object {
  const { type, msg } = wordsOf(field)
  return { type, loc: [field.in, field.name], msg }
}

const inFull = (field: InvalidField): object => ({
  ...inBrief(field),
  // Shortening may leave half of a surrogate pair, which UTF-8 cannot encode.
  input: field.input?.slice(0, longestInput).toWellFormed() ?? null,
  ctx: wordsOf(field).ctx,
})

/** A fault in the words of pydantic. */
interface Words {
  readonly type: string
  readonly msg: string
  readonly ctx?: object
}

function wordsOf(field: InvalidField): Words {
  switch (field.rule) {
    case 'required':
      return { type: 'missing', msg: 'Field required' }
    case 'not_empty':
      return {
        type: 'string_too_short',
        msg: 'String should have at least 1 character',
        ctx: { min_length: 1 },
      }
    case 'max_length': {
      const msg = `String should have at most ${field.most} characters`
      return { type: 'string_too_long', msg, ctx: { max_length: field.most } }
    }
    case 'pattern': {
      const { pattern } = field
      return {
        type: 'string_pattern_mismatch',
        msg: `String should match pattern '${pattern}'`,
        ctx: { pattern },
      }
    }
    case 'one_of': {
      const expected = listed(field.allowed.map((value) => `'${value}'`))
      return { type: 'enum', msg: `Input should be ${expected}`, ctx: { expected } }
    }
    case 'once':
      return { type: 'value_error', msg: 'Value error, must be sent once only' }
    case 'not_with':
      return { type: 'value_error', msg: `Value error, must not be sent together with ${field.other}` }
    case 'uuid': {
      const error = explainUuid(field.input ?? '')
      return { type: 'uuid_parsing', msg: `Input should be a valid UUID, ${error}`, ctx: { error } }
    }
  }
}

const listed = (values: readonly string[]): string =>
  values.length > 1 ? `${values.slice(0, -1).join(', ')} or ${values.at(-1)}` : values.join('')
