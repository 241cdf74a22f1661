import type { FindExport } from '../catalogue.ts'
import type { OptionCheck } from '../check-options.ts'
import * as check from '../check-options.ts'
import { codedErrors } from '../error-formats/coded-errors.ts'
import { problemDetails } from '../error-formats/problem-details.ts'
import { validationErrors } from '../error-formats/validation-errors.ts'
import type { ExportEvent } from '../events.ts'
import { commonDivisor } from '../limits/token-bucket.ts'
import type {
  ExportStore,
  MultiTenancy,
  Quota,
  RateLimiter,
  SingleTenancy,
  Tenant,
  TokenVerifier,
} from '../ports.ts'
import type { ErrorFormat } from '../refusals.ts'
import type { Tickets } from '../ticket.ts'
import { longestTimerMs } from '../waiting.ts'
import type { DeliveryOptions, ExportHandlerOptions, Limits, VersionOptions } from './options.ts'

type Options = ExportHandlerOptions

const mostTokens = Number.MAX_SAFE_INTEGER
/** @param largestDebt - tokens that one request may take beside a full bucket */
const quotaOf = (must: string, unit: string, largestDebt: number): OptionCheck<Quota> =>
  check.refine<Quota>(
    must,
    check.object<Quota>('{ capacity, refill, perMs }', {
      capacity: check.whole(unit, 1, mostTokens),
      refill: check.whole(unit, 1, mostTokens),
      perMs: check.milliseconds('the time of one refill', 100),
    }),
    ({ capacity, refill, perMs }) =>
      (capacity + largestDebt) * (perMs / commonDivisor(refill, perMs)) <= mostTokens,
  )
const quota = quotaOf('a quota whose capacity × perMs is below 2^53', 'tokens', 0)
const budget = quotaOf(
  'a budget that counts a download of 1 TiB exactly: (capacity + 2^40) × perMs must be below 2^53, with refill ÷ perMs in lowest terms',
  'bytes',
  2 ** 40,
)
/** An object is checked as a quota, so that the message names the wrong member. */
const quotaOr = <F>(signature: string, quota: OptionCheck<Quota>): OptionCheck<Quota | F> => {
  const what = `{ capacity, refill, perMs } of whole numbers, perMs from 100 (1 s is 1000), or a function ${signature}`
  const quotaOrFunction = check.either<Quota, F>(what, quota, check.fn<F>(signature))
  return check.choose<Quota | F>((value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? quota : quotaOrFunction,
  )
}
type PerPrincipal = Exclude<NonNullable<Limits['perPrincipal']>, Quota>
type PerTenant = Exclude<NonNullable<Limits['perTenant']>, Quota>
const perPrincipal = (quota: OptionCheck<Quota>): OptionCheck<Quota | PerPrincipal> =>
  quotaOr<PerPrincipal>('(principal, tenant) => quota', quota)
const perTenant = (quota: OptionCheck<Quota>): OptionCheck<Quota | PerTenant> =>
  quotaOr<PerTenant>('(tenant) => quota', quota)

const tenant = check.object<Tenant>(
  '{ id, name }',
  { id: check.text("the tenant's stable id"), name: check.text("the tenant's name") },
  'allowed',
)
/** Header fields that requests or responses use for something else (RFC 9110, RFC 9112). */
const usedHeaders: ReadonlySet<string> = new Set(
  `accept accept-encoding accept-ranges age allow authorization cache-control connection content-disposition
  content-encoding content-length content-range content-security-policy content-type cookie
  cross-origin-resource-policy date deprecation etag expect host if-match if-modified-since if-none-match if-range
  if-unmodified-since keep-alive last-modified link location origin proxy-authorization range ratelimit
  ratelimit-policy referrer-policy repr-digest retry-after sec-fetch-mode set-cookie sunset te trailer
  transfer-encoding upgrade vary via want-repr-digest www-authenticate x-accel-buffering x-content-type-options
  x-frame-options x-request-id`.split(/\s+/),
)
const headerName = check.accept<string>(
  "the name of a header that has no other use, such as 'X-Tenant'",
  (value): value is string =>
    typeof value === 'string' &&
    /^[\w!#$%&'*+.^`|~-]{1,64}$/.test(value) &&
    !usedHeaders.has(value.toLowerCase()),
  check.shown,
)
const wholePattern = check.refine<RegExp>(
  'a regular expression without the flags g and y',
  check.instanceOf('a regular expression', RegExp),
  ({ flags }) => !/[gy]/.test(flags),
)
const parameterName = check.text('the name of a route parameter')

const multi = check.object<MultiTenancy<Tenant>>("{ mode: 'multi', findTenant }", {
  mode: check.oneOf('multi'),
  findTenant: check.fn<MultiTenancy<Tenant>['findTenant']>(
    '(name, principal, signal) => Promise<tenant | undefined>',
  ),
  isMember: check
    .fn<NonNullable<MultiTenancy<Tenant>['isMember']>>('(principal, tenant, signal) => Promise<boolean>')
    .optional(),
  headerOptional: check.flag.optional(),
  namePattern: wholePattern.optional(),
  header: headerName.optional(),
  parameter: parameterName.optional(),
})
const single = check.object<SingleTenancy<Tenant>>("{ mode: 'single', tenant: { id, name } }", {
  mode: check.oneOf('single'),
  tenant,
  header: headerName.optional(),
  parameter: parameterName.optional(),
})

const formats: ReadonlySet<unknown> = new Set([codedErrors, problemDetails, validationErrors])
const errorFormat = check.accept<ErrorFormat>(
  'a function (refusal) => ({ status, contentType, body }), such as problemDetails()',
  (value): value is ErrorFormat => typeof value === 'function' && !formats.has(value),
)

const mediaType = check.accept<string>(
  'a media type',
  (value): value is string =>
    typeof value === 'string' && /^[\w!#$&^.+-]{1,80}\/[\w!#$&^.+-]{1,80}(?:; ?[\w-]+=[\w.-]+)*$/.test(value),
  check.shown,
)
const url = check.accept<string>(
  'an absolute URL',
  (value): value is string => typeof value === 'string' && URL.canParse(value),
  check.shown,
)
const version = check.refine<VersionOptions>(
  'a version whose sunset is not before deprecated (RFC 9745 §4)',
  check.object<VersionOptions>('{ errors?, mediaTypes?, deprecated?, sunset?, links? }', {
    errors: errorFormat.optional(),
    mediaTypes: check.mapOf('{ format: media type }', /^/, mediaType).optional(),
    deprecated: check.date.optional(),
    sunset: check.date.optional(),
    links: check
      .object<NonNullable<VersionOptions['links']>>(
        '{ deprecation?, sunset?, successor-version? } of absolute URLs',
        {
          deprecation: url.optional(),
          sunset: url.optional(),
          'successor-version': url.optional(),
        },
      )
      .optional(),
  }),
  ({ deprecated, sunset }) => !(deprecated instanceof Date && sunset instanceof Date) || sunset >= deprecated,
)

type Slots = NonNullable<Limits['concurrent']>
const slots = check.whole('slots', 1, 1_000_000)
/** Wrongly nested limits would let a principal take all slots of its tenant, or a tenant all slots of the process. */
const concurrent = check.refine<Slots>(
  'limits that nest: perPrincipal ≤ perTenant ≤ total',
  check.object<Slots>('{ perPrincipal?, perTenant?, total? }', {
    perPrincipal: slots.optional(),
    perTenant: slots.optional(),
    total: slots.optional(),
  }),
  ({ perPrincipal = 0, perTenant = perPrincipal, total = perTenant }) =>
    perPrincipal <= perTenant && perTenant <= total,
)
const cost = check.whole('tokens', 1, 1_000_000)
const limits = check.object<Limits>(
  '{ perPrincipal?, perTenant?, perAddress?, bytes?, concurrent?, cost?, legacyFields?, limiter? }',
  {
    perPrincipal: perPrincipal(quota).optional(),
    perTenant: perTenant(quota).optional(),
    perAddress: quota.optional(),
    bytes: check
      .object<NonNullable<Limits['bytes']>>('{ perPrincipal?, perTenant? }', {
        perPrincipal: perPrincipal(budget).optional(),
        perTenant: perTenant(budget).optional(),
      })
      .optional(),
    concurrent: concurrent.optional(),
    cost: check
      .object<NonNullable<Limits['cost']>>('{ download?, range?, head? }', {
        download: cost.optional(),
        range: cost.optional(),
        head: cost.optional(),
      })
      .optional(),
    legacyFields: check.flag.optional(),
    limiter: check
      .withMethods<RateLimiter>('a limiter with admit(), such as createMemoryLimiter()', 'admit')
      .optional(),
  },
)

type Pace = NonNullable<DeliveryOptions['slowestClient']>
const pace = check.object<Pace>('{ bytes, perMs }', {
  bytes: check.whole('bytes', 1, mostTokens),
  perMs: check.milliseconds('the window', 100),
})
/** The client's deadline covers a write of 64 KiB, and Node has no longer timer. */
const slowestClient = check.refine<Pace>(
  `a pace at which 64 KiB take at most ${longestTimerMs} ms`,
  pace,
  ({ bytes, perMs }) => Math.max(1, 65_536 / bytes) * perMs <= longestTimerMs,
)
const delivery = check.object<DeliveryOptions>(
  '{ firstByteMs?, storeSilenceMs?, slowestStore?, resume?, slowestClient?, bytesPerSecond?, lifetimeMs?, multipleRanges? }',
  {
    firstByteMs: check.milliseconds('the time to the first byte', 100).optional(),
    storeSilenceMs: check.milliseconds("the store's longest silence", 100).optional(),
    slowestStore: pace.optional(),
    resume: check
      .object<NonNullable<DeliveryOptions['resume']>>('{ attempts?, withinMs? }', {
        attempts: check.whole('attempts', 0, 1_000).optional(),
        withinMs: check.milliseconds('the time for one outage', 100).optional(),
      })
      .optional(),
    slowestClient: slowestClient.optional(),
    bytesPerSecond: check.whole('bytes', 1_024, mostTokens).optional(),
    lifetimeMs: check.milliseconds('the longest download', 1_000).optional(),
    multipleRanges: check.flag.optional(),
  },
)

const isAsync = (value: unknown): boolean =>
  typeof value === 'function' && value.constructor.name === 'AsyncFunction'
/** Functions of these packages that create a store. They take options instead of a tenant, so they are not a `store` function. */
const makesStore = /^create(?:Filesystem|S3|SignedS3|AzureBlob|ReadAhead|Parts|Memory|Chaos)Store$/
const storeOf = check.accept<(tenant: Tenant) => ExportStore>(
  'a function (tenant) => store',
  (value): value is (tenant: Tenant) => ExportStore =>
    typeof value === 'function' && !isAsync(value) && !makesStore.test(value.name),
)

const versions = check.refine<NonNullable<Options['versions']>>(
  'at least one version',
  check.mapOf('{ v1: {} }, with names of letters, digits and . _ -', /^[\w.-]{1,32}$/, version),
  (named) => Object.keys(named).length > 0,
)

const options = check.object<Options>('{ verifier, tenancy, capability, findExport, store }', {
  verifier: check.withMethods<TokenVerifier>(
    'a verifier with verify(token, signal), such as createJwtVerifier({ … })',
    'verify',
  ),
  tenancy: check.variants<Options['tenancy']>(
    "{ mode: 'multi', findTenant } or { mode: 'single', tenant: { id, name } }",
    'mode',
    { multi, single },
  ),
  capability: check.accept<string>(
    "what the principal must hold, such as 'exports:download': printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3)",
    (value): value is string => typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/.test(value),
    check.shown,
  ),
  findExport: check.fn<FindExport<Tenant>>('(query, signal) => Promise<record | undefined>'),
  store: check.either<ExportStore, (tenant: Tenant) => ExportStore>(
    'a store with head() and get(), or a function (tenant) => store',
    check.withMethods<ExportStore>('a store', 'head', 'get'),
    storeOf,
    (value) => (isAsync(value) ? 'an async function: it must return the store itself' : check.kindOf(value)),
  ),
  idParameter: parameterName.optional(),
  idPattern: wholePattern.optional(),
  versionHeader: headerName.optional(),
  versions: versions.optional(),
  defaultVersion: check.text('the name of a version').optional(),
  tickets: check.withMethods<Tickets>('what createTickets({ keys }) returns', 'seal', 'open').optional(),
  limits: limits.optional(),
  delivery: delivery.optional(),
  onEvent: check.fn<(event: ExportEvent) => void>('(event) => void').optional(),
  audit: check.fn<NonNullable<Options['audit']>>('(event, signal) => Promise<void>').optional(),
  now: check.clock.optional(),
})

/**
 * Checks the options of `createExportHandler`. For packages that replace some of them before they create the handler.
 *
 * @throws TypeError that says for every wrong option what it must be and what it is
 */
export const checkHandlerOptions = (given: unknown): void =>
  check.checkOptions('createExportHandler', given, options)
