import * as check from '../check-options.ts'
import { reasonPhrase } from '../http/response-fields.ts'
import type { ErrorBodies, ErrorFormat, InvalidField, RefusalKind } from '../refusals.ts'

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
  const format: ErrorFormat = ({ kind, status, fields = [] }) =>
    kind === 'invalid_request'
      ? answer(422, fields.map(show))
      : answer(status, phrases[kind] ?? reasonPhrase(status))
  return Object.assign(format, { bodies: detail === 'full' ? fullBodies : briefBodies })
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

const faultSchema = {
  title: 'ValidationError',
  type: 'object',
  required: ['loc', 'msg', 'type'],
  properties: {
    loc: {
      title: 'Location',
      description: 'Where the fault is: the part of the request, and the name in it.',
      type: 'array',
      items: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    },
    msg: { title: 'Message', description: 'Says what is wrong, for people.', type: 'string' },
    type: { title: 'Error Type', description: 'The code of the fault, for programs.', type: 'string' },
  },
}

/** `HTTPValidationError` and `ValidationError` as FastAPI describes them, and the body of all other refusals. */
const briefBodies: ErrorBodies = {
  schemas: {
    HTTPValidationError: {
      title: 'HTTPValidationError',
      type: 'object',
      properties: {
        detail: {
          title: 'Detail',
          description: 'All faults of the request.',
          type: 'array',
          items: { $ref: '#/components/schemas/ValidationError' },
        },
      },
    },
    ValidationError: faultSchema,
    HTTPError: {
      title: 'HTTPError',
      type: 'object',
      required: ['detail'],
      properties: { detail: { description: 'Says why the request is refused.', type: 'string' } },
    },
  },
  schemaOf: (kind) => (kind === 'invalid_request' ? 'HTTPValidationError' : 'HTTPError'),
}

const fullBodies: ErrorBodies = {
  ...briefBodies,
  schemas: {
    ...briefBodies.schemas,
    ValidationError: {
      ...faultSchema,
      properties: {
        ...faultSchema.properties,
        input: { description: 'The value that was sent, shortened.', type: ['string', 'null'] },
        ctx: { description: 'The values in the message.', type: 'object' },
      },
    },
  },
}

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

/** The most characters that are searched. Node's default limit for a request line is lower. */
const longestText = 16_384

const hyphenated = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const simple = /^[0-9a-f]{32}$/i

const groups = [
  { start: 0, length: 8 },
  { start: 9, length: 4 },
  { start: 14, length: 4 },
  { start: 19, length: 4 },
]
const lastGroupStart = 24

/**
 * Explains why a text is not a UUID, in the words that pydantic puts after `Input should be a valid UUID, `.
 *
 * pydantic accepts some texts that this library refuses. Of those, 32 digits without hyphens get `invalid group count`. All others
 * (the nil and the max UUID, braces, a URN) get `invalid UUID format`.
 */
export function explainUuid(text: string): string {
  if (simple.test(text)) return 'invalid group count: expected 5, found 1'
  const input = unwrapWhole(text)
  return hyphenated.test(input) ? 'invalid UUID format' : explain(input)
}

/** Removes `{…}` and `urn:uuid:` if exactly 36 bytes remain. */
function unwrapWhole(text: string): string {
  const { inside } = unwrap(text)
  return inside.length <= 36 && utf8.encode(inside).length === 36 ? inside : text
}

function unwrap(text: string): { readonly inside: string; readonly offset: number } {
  if (text.length > 1 && text.startsWith('{') && text.endsWith('}'))
    return { inside: text.slice(1, -1), offset: 1 }
  if (text.startsWith('urn:uuid:')) return { inside: text.slice(9), offset: 9 }
  return { inside: text, offset: 0 }
}

function explain(input: string): string {
  const { inside, offset } = unwrap(input)
  const seen = inside.slice(0, longestText)
  const foreign = seen.search(/[^0-9a-f-]/i)
  // Everything before it is ASCII, so its index in characters is also its index in bytes.
  if (foreign >= 0)
    return `invalid character: found \`${characterAt(inside, foreign)}\` at ${foreign + offset + 1}`
  const hyphens = [...seen.matchAll(/-/g)].map(({ index }) => index)
  if (hyphens.length === 0 && offset === 0) {
    return `invalid length: expected length 32 for simple format, found ${input.length}`
  }
  if (hyphens.length !== groups.length) return `invalid group count: expected 5, found ${hyphens.length + 1}`
  for (const [group, { start, length }] of groups.entries()) {
    const found = (hyphens[group] ?? 0) - start
    if (found !== length) return `invalid group length in group ${group}: expected ${length}, found ${found}`
  }
  return `invalid group length in group 4: expected 12, found ${input.length - lastGroupStart}`
}

/** Does not use `codePointAt`: the optimized code of V8 in Node 24 and 26 reads past the end of a slice. */
function characterAt(text: string, index: number): string {
  const [character = '\ufffd'] = text.slice(index, index + 2).toWellFormed()
  return character
}

const utf8 = new TextEncoder()
