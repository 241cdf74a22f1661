import * as z from 'zod'

import { unknownOption, whereOptionsAreTold } from '../unknown-option.ts'
import { longestTimerMs } from '../waiting.ts'

const write = (what: string): { error: string } => ({ error: `write ${what}` })

const fn = (signature: string): z.ZodType =>
  z.custom((value) => typeof value === 'function', write(`a function ${signature}`))
const text = (what: string): z.ZodString => z.string(write(what)).min(1, write(what))
const whole = (what: string, least: number, most: number): z.ZodNumber => {
  const message = write(`${what}: a whole number from ${least} to ${most}`)
  return z.int(message).min(least, message).max(most, message)
}
const ms = (what: string): z.ZodNumber => whole(`${what} in milliseconds`, 1, longestTimerMs)
const date = (what: string): z.ZodType => z.date(write(what))
/** What to write where it is no object; for an unknown member the known ones, which `explain` reads. */
const knows = (
  names: readonly string[],
  { error }: { error: string },
): { error: (issue: Issue) => string } => ({
  error: ({ code }) => (code === 'unrecognized_keys' ? names.join(' ') : error),
})
interface Issue {
  readonly code?: string | undefined
}
const object = <S extends z.core.$ZodLooseShape>(shape: S, otherwise = write('')) =>
  z.strictObject(shape, knows(Object.keys(shape), otherwise))

const most = Number.MAX_SAFE_INTEGER
const quota = object(
  {
    capacity: whole('tokens', 1, most),
    refill: whole('tokens', 1, most),
    perMs: ms('the period of one refill'),
  },
  write('{ capacity, refill, perMs }'),
).refine(
  ({ capacity, perMs }) => capacity * perMs <= most,
  write('a quota whose capacity × perMs stays below 2^53'),
)
const quotaOr = (signature: string): z.ZodType =>
  z.custom(
    (value) => typeof value === 'function' || quota.safeParse(value).success,
    write(`{ capacity, refill, perMs }, whole numbers from 1, or a function ${signature}`),
  )

const tenant = z.looseObject(
  { id: text("the tenant's stable id"), name: text("the tenant's name") },
  write('{ id, name }'),
)
const tenancy = z.discriminatedUnion(
  'mode',
  [
    object({
      mode: z.literal('multi'),
      findTenant: fn('(name, principal, signal) => Promise<tenant | undefined>'),
      isMember: fn('(principal, tenant, signal) => Promise<boolean>').optional(),
      headerOptional: z.boolean(write('true or false')).optional(),
      namePattern: z
        .instanceof(RegExp, write('a regular expression'))
        .refine(({ flags }) => !/[gy]/.test(flags), write('a regular expression without the flags g and y'))
        .optional(),
    }),
    object({ mode: z.literal('single'), tenant }),
  ],
  write("{ mode: 'multi', findTenant } or { mode: 'single', tenant: { id, name } }"),
)
const verifier = z.custom(
  (value) => isObject(value) && typeof value['verify'] === 'function',
  write('a verifier with verify(token, signal), such as createJwtVerifier({ … })'),
)
const store = z.custom(
  (value) =>
    typeof value === 'function' ||
    (isObject(value) && typeof value['head'] === 'function' && typeof value['get'] === 'function'),
  write('a store with head() and get(), or a function (tenant) => store'),
)
const relations = ['deprecation', 'sunset', 'successor-version'] as const
const version = object(
  {
    errors: fn('(refusal) => ({ status, contentType, body }), such as problemDetails()').optional(),
    mediaTypes: z
      .record(
        z.string(),
        z
          .string()
          .regex(/^[\w!#$&^.+-]{1,80}\/[\w!#$&^.+-]{1,80}(?:; ?[\w-]+=[\w.-]+)*$/, write('a media type')),
        write('{ format: media type }'),
      )
      .optional(),
    deprecated: date('a valid Date').optional(),
    sunset: date('a valid Date').optional(),
    links: z
      .partialRecord(
        z.enum(relations),
        z.url(write('an absolute URL')),
        knows(relations, write('{ deprecation?, sunset?, successor-version? } of absolute URLs')),
      )
      .optional(),
  },
  write('{ errors?, mediaTypes?, deprecated?, sunset?, links? }'),
).refine(
  ({ deprecated, sunset }) => !(deprecated instanceof Date && sunset instanceof Date) || sunset >= deprecated,
  write('a sunset that is not before deprecated (RFC 9745 §4)'),
)
const slots = whole('places', 1, 1_000_000)
const cost = whole('tokens', 1, 1_000_000)

/** One caller must not be able to take all places of its tenant's, nor one tenant all of the process's, by mistake. */
const nests = ({ perPrincipal = 0, perTenant = perPrincipal, total = perTenant }: Caps): boolean =>
  [perPrincipal, perTenant, total].some((cap) => cap < 0) || (perPrincipal <= perTenant && perTenant <= total)
interface Caps {
  readonly perPrincipal?: number | undefined
  readonly perTenant?: number | undefined
  readonly total?: number | undefined
}

/** 64 KiB are handed to the client at once, and Node has no longer timer for them. */
const isReachable = ({ bytes, perMs }: { readonly bytes: number; readonly perMs: number }): boolean =>
  Math.max(1, 65_536 / bytes) * perMs <= longestTimerMs

const members = {
  verifier,
  tenancy,
  capability: text("what the principal must hold, such as 'exports:download'").regex(
    /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/,
    write('printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3)'),
  ),
  findExport: fn('(query, signal) => Promise<record | undefined>'),
  store,
  idParameter: text('the name of a route parameter').optional(),
  versions: z
    .record(
      z.string().regex(/^[\w.-]{1,32}$/, write('a version of letters, digits and . _ -')),
      version,
      write('{ v1: {} }'),
    )
    .refine((rows) => Object.keys(rows).length > 0, write('at least one version'))
    .optional(),
  defaultVersion: text('the name of a version').optional(),
  limits: object(
    {
      perPrincipal: quotaOr('(principal, tenant) => quota').optional(),
      perTenant: quotaOr('(tenant) => quota').optional(),
      perAddress: quota.optional(),
      concurrent: object(
        { perPrincipal: slots.optional(), perTenant: slots.optional(), total: slots.optional() },
        write('{ perPrincipal?, perTenant?, total? }'),
      )
        .refine(nests, write('caps that nest: perPrincipal ≤ perTenant ≤ total'))
        .optional(),
      cost: object(
        { download: cost.optional(), range: cost.optional(), head: cost.optional() },
        write('{ download?, range?, head? }'),
      ).optional(),
      legacyFields: z.boolean(write('true or false')).optional(),
      limiter: z
        .custom(
          (value) => isObject(value) && typeof value['admit'] === 'function',
          write('a limiter with admit(), such as createMemoryLimiter()'),
        )
        .optional(),
    },
    write('{ perPrincipal?, perTenant?, perAddress?, concurrent?, cost?, legacyFields?, limiter? }'),
  ).optional(),
  delivery: object(
    {
      firstByteMs: ms('the time to the first byte').optional(),
      storeSilenceMs: ms("the store's longest silence").optional(),
      resume: object(
        {
          attempts: whole('re-opens', 0, 1_000).optional(),
          withinMs: ms('the time for one outage').optional(),
        },
        write('{ attempts?, withinMs? }'),
      ).optional(),
      slowestClient: object(
        { bytes: whole('bytes', 1, most), perMs: ms('the window') },
        write('{ bytes, perMs }'),
      )
        .refine(isReachable, write('a pace at which 64 KiB take at most 2147483647 ms'))
        .optional(),
      lifetimeMs: ms('the longest download').optional(),
      multipleRanges: z.boolean(write('true or false')).optional(),
    },
    write('{ firstByteMs?, storeSilenceMs?, resume?, slowestClient?, lifetimeMs?, multipleRanges? }'),
  ).optional(),
  onEvent: fn('(event) => void').optional(),
  audit: fn('(event, signal) => Promise<void>').optional(),
  now: fn('() => milliseconds since the epoch').optional(),
}
const schema = object(members, write('{ verifier, tenancy, capability, findExport, store }'))

/** Throws a `TypeError` that names every wrong option, what was given and what to write instead. */
export function checkOptions(options: unknown): void {
  const { error } = schema.safeParse(options, { reportInput: true })
  if (!error) return
  const lines = new Map<string, string>()
  // The first fault of an option is enough to mend it.
  for (const { option, fault } of error.issues.flatMap(explain))
    if (!lines.has(option)) lines.set(option, `${option}: ${fault}`)
  throw wrongOptions([...lines.values()])
}

/** The error for wrong options, a line each. */
export const wrongOptions = (lines: readonly string[]): TypeError =>
  new TypeError(`createExportHandler: ${[...lines, whereOptionsAreTold].join('\n  ')}`)

function explain(issue: z.core.$ZodIssue): { readonly option: string; readonly fault: string }[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ')
    return issue.keys.map((key) => ({ option: [...path, key].join('.'), fault: unknownOption(key, known) }))
  }
  const message = (issue.code === 'invalid_key' && issue.issues[0]?.message) || issue.message
  const fault = `${message}; got ${shown(issue.input, textIssues.has(issue.code))}`
  return [{ option: path.join('.') || 'options', fault }]
}

/** The issues of a string where a string was asked for. */
const textIssues: ReadonlySet<string> = new Set(['too_small', 'invalid_format', 'invalid_key'])

/** Names what was given without printing what may be secret: a string is shown only where one belongs. */
function shown(value: unknown, mayShow: boolean): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return mayShow && value.length <= 40 ? `'${value}'` : 'a string'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : 'a Date'
  return typeof value === 'function' ? 'a function' : Array.isArray(value) ? 'an array' : 'an object'
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
