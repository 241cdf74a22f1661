import { problemDetails } from '../../src/error-formats/problem-details.ts'

export const quota = { capacity: 1, refill: 1, perMs: 100 }
const ms = (what: string, least: number): string =>
  `must be ${what} in milliseconds (1 s is 1000): a whole number from ${least} to 2147483647`
const slots = 'must be slots: a whole number from 1 to 1000000'
const tokens = 'must be tokens: a whole number from 1 to 1000000'
export const multi = { mode: 'multi', findTenant: async (): Promise<undefined> => undefined } as const

/** What `tenancy` is. */
export const tenancyText: string =
  "must be { mode: 'multi', findTenant } or { mode: 'single', tenant: { id, name } }"

/** Options that are wrong, and the line of the complaint. */
export const wrongOptions: readonly (readonly [object, string])[] = [
  [
    { verifier: {} },
    'verifier: must be a verifier with verify(token, signal), such as createJwtVerifier({ … }); got an object',
  ],
  [{ tenancy: 'multi' }, `tenancy: ${tenancyText}; got a string`],
  [{ tenancy: { mode: 'all' } }, `tenancy: ${tenancyText}; got an object`],
  [
    { tenancy: { mode: 'multi' } },
    'tenancy.findTenant: must be a function (name, principal, signal) => Promise<tenant | undefined>; got nothing',
  ],
  [
    { tenancy: { ...multi, isMember: true } },
    'tenancy.isMember: must be a function (principal, tenant, signal) => Promise<boolean>; got true',
  ],
  [
    { tenancy: { ...multi, headerOptional: 'yes' } },
    'tenancy.headerOptional: must be true or false; got a string',
  ],
  [{ idPattern: '^a$' }, 'idPattern: must be a regular expression; got a string'],
  [{ idPattern: /a/g }, 'idPattern: must be a regular expression without the flags g and y; got an object'],
  [
    { versionHeader: 'Content-Type' },
    "versionHeader: must be the name of a header that has no other use, such as 'X-Tenant'; got 'Content-Type'",
  ],
  [
    { tenancy: { ...multi, header: 'X Org' } },
    "tenancy.header: must be the name of a header that has no other use, such as 'X-Tenant'; got 'X Org'",
  ],
  [
    { tenancy: { ...multi, parameter: '' } },
    'tenancy.parameter: must be the name of a route parameter; got an empty string',
  ],
  [
    { tenancy: { ...multi, header: 'X-Tenant', parameter: 'org' } },
    "tenancy.parameter: must be absent where tenancy.header is given; got 'org'",
  ],
  [
    { tenancy: { ...multi, parameter: 'exportId' } },
    "tenancy.parameter: must be another one than idParameter; got 'exportId'",
  ],
  [
    { versionHeader: 'x-org-name' },
    "versionHeader: must be another one than tenancy.header; got 'x-org-name'",
  ],
  [
    { tenancy: { ...multi, namePattern: '^a$' } },
    'tenancy.namePattern: must be a regular expression; got a string',
  ],
  [
    { tenancy: { ...multi, namePattern: /a/g } },
    'tenancy.namePattern: must be a regular expression without the flags g and y; got an object',
  ],
  [
    { tenancy: { ...multi, namePattern: /a/y } },
    'tenancy.namePattern: must be a regular expression without the flags g and y; got an object',
  ],
  [{ tenancy: { mode: 'single' } }, 'tenancy.tenant: must be { id, name }; got nothing'],
  [
    { tenancy: { mode: 'single', tenant: { id: '', name: 'a' } } },
    "tenancy.tenant.id: must be the tenant's stable id; got an empty string",
  ],
  [
    { tenancy: { mode: 'single', tenant: { id: 'a' } } },
    "tenancy.tenant.name: must be the tenant's name; got nothing",
  ],
  [
    { capability: '' },
    "capability: must be what the principal must hold, such as 'exports:download': printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3); got an empty string",
  ],
  [
    { capability: ['a'] },
    "capability: must be what the principal must hold, such as 'exports:download': printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3); got an array",
  ],
  [
    { capability: 'a b' },
    "capability: must be what the principal must hold, such as 'exports:download': printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3); got 'a b'",
  ],
  [
    { capability: 'a"b' },
    `capability: must be what the principal must hold, such as 'exports:download': printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3); got 'a"b'`,
  ],
  [
    { findExport: {} },
    'findExport: must be a function (query, signal) => Promise<record | undefined>; got an object',
  ],
  [
    { store: { head: multi.findTenant } },
    'store: must be a store with head() and get(), or a function (tenant) => store; got an object',
  ],
  [{ idParameter: '' }, 'idParameter: must be the name of a route parameter; got an empty string'],
  [{ idParameter: 5 }, 'idParameter: must be the name of a route parameter; got 5'],
  [{ versions: {} }, 'versions: must be at least one version; got an object'],
  [
    { versions: ['v1'] },
    'versions: must be { v1: {} }, with names of letters, digits and . _ -; got an array',
  ],
  [
    { versions: { 'v 1': {} } },
    "versions.v 1: must be { v1: {} }, with names of letters, digits and . _ -; got 'v 1'",
  ],
  [
    { versions: { v1: 'json' } },
    'versions.v1: must be { errors?, mediaTypes?, deprecated?, sunset?, links? }; got a string',
  ],
  [
    { versions: { v1: { errors: 'problem' } } },
    'versions.v1.errors: must be a function (refusal) => ({ status, contentType, body }), such as problemDetails(); got a string',
  ],
  [
    { versions: { v1: { errors: problemDetails } } },
    'versions.v1.errors: must be a function (refusal) => ({ status, contentType, body }), such as problemDetails(); got the function problemDetails itself: call it',
  ],
  [
    { versions: { v1: { mediaTypes: { csv: 'csv' } } } },
    "versions.v1.mediaTypes.csv: must be a media type; got 'csv'",
  ],
  [
    { versions: { v1: { mediaTypes: { csv: 'text/csv\r\nX-Evil: 1' } } } },
    "versions.v1.mediaTypes.csv: must be a media type; got 'text/csv\r\nX-Evil: 1'",
  ],
  [
    { versions: { v1: { deprecated: '2026' } } },
    'versions.v1.deprecated: must be a valid Date; got a string',
  ],
  [
    { versions: { v1: { sunset: new Date(Number.NaN) } } },
    'versions.v1.sunset: must be a valid Date; got an invalid Date',
  ],
  [
    { versions: { v1: { deprecated: new Date(2), sunset: new Date(1) } } },
    'versions.v1: must be a version whose sunset is not before deprecated (RFC 9745 §4); got an object',
  ],
  [
    { versions: { v1: { links: { sunset: '/sunset' } } } },
    "versions.v1.links.sunset: must be an absolute URL; got '/sunset'",
  ],
  [{ defaultVersion: 'v2' }, "defaultVersion: must be one of v1; got 'v2'"],
  [{ versions: { v2: {}, v3: {} } }, "defaultVersion: must be one of v2, v3; got 'v1'"],
  [
    { limits: [] },
    'limits: must be { perPrincipal?, perTenant?, perAddress?, bytes?, concurrent?, cost?, legacyFields?, limiter? }; got an array',
  ],
  [
    { limits: { perPrincipal: 60 } },
    'limits.perPrincipal: must be { capacity, refill, perMs } of whole numbers, perMs from 100 (1 s is 1000), or a function (principal, tenant) => quota; got 60',
  ],
  [
    { limits: { perPrincipal: { ...quota, refill: 0.5 } } },
    'limits.perPrincipal.refill: must be tokens: a whole number from 1 to 9007199254740991; got 0.5',
  ],
  [
    { limits: { perTenant: { ...quota, capacity: 0 } } },
    'limits.perTenant.capacity: must be tokens: a whole number from 1 to 9007199254740991; got 0',
  ],
  [
    { limits: { perAddress: () => quota } },
    'limits.perAddress: must be { capacity, refill, perMs }; got a function',
  ],
  [
    { limits: { perAddress: { ...quota, perMs: 0 } } },
    `limits.perAddress.perMs: ${ms('the time of one refill', 100)}; got 0`,
  ],
  [
    { limits: { perAddress: { ...quota, capacity: 2 ** 52 } } },
    'limits.perAddress: must be a quota whose capacity × perMs is below 2^53; got an object',
  ],
  [{ limits: { bytes: 1_000 } }, 'limits.bytes: must be { perPrincipal?, perTenant? }; got 1000'],
  [
    { limits: { bytes: { perPrincipal: { ...quota, capacity: 0 } } } },
    'limits.bytes.perPrincipal.capacity: must be bytes: a whole number from 1 to 9007199254740991; got 0',
  ],
  [
    { limits: { bytes: { perTenant: 1_000 } } },
    'limits.bytes.perTenant: must be { capacity, refill, perMs } of whole numbers, perMs from 100 (1 s is 1000), or a function (tenant) => quota; got 1000',
  ],
  [
    { limits: { bytes: { perTenant: { capacity: 1e12, refill: 12_345_678_901, perMs: 86_400_000 } } } },
    'limits.bytes.perTenant: must be a budget that counts a download of 1 TiB exactly: (capacity + 2^40) × perMs must be below 2^53, with refill ÷ perMs in lowest terms; got an object',
  ],
  [
    { limits: { bytes: { perAddress: quota } } },
    'limits.bytes.perAddress: is not an option; must be one of perPrincipal, perTenant',
  ],
  [
    { limits: { concurrent: 16 } },
    'limits.concurrent: must be { perPrincipal?, perTenant?, total? }; got 16',
  ],
  [{ limits: { concurrent: { perPrincipal: 0 } } }, `limits.concurrent.perPrincipal: ${slots}; got 0`],
  [{ limits: { concurrent: { perTenant: -1 } } }, `limits.concurrent.perTenant: ${slots}; got -1`],
  [
    { limits: { concurrent: { perPrincipal: 9, perTenant: 8 } } },
    'limits.concurrent: must be limits that nest: perPrincipal ≤ perTenant ≤ total; got an object',
  ],
  [
    { limits: { concurrent: { perPrincipal: 9, total: 8 } } },
    'limits.concurrent: must be limits that nest: perPrincipal ≤ perTenant ≤ total; got an object',
  ],
  [{ limits: { concurrent: { total: 1.5 } } }, `limits.concurrent.total: ${slots}; got 1.5`],
  [{ limits: { cost: { download: 0 } } }, `limits.cost.download: ${tokens}; got 0`],
  [{ limits: { cost: { range: '1' } } }, `limits.cost.range: ${tokens}; got a string`],
  [{ limits: { cost: { head: Number.NaN } } }, `limits.cost.head: ${tokens}; got NaN`],
  [{ limits: { cost: { range: 61 } } }, 'limits.cost: must be at most 60, the smallest capacity; got 61'],
  [
    { limits: { perTenant: quota, cost: { head: 2 } } },
    'limits.cost: must be at most 1, the smallest capacity; got 2',
  ],
  [{ limits: { legacyFields: 1 } }, 'limits.legacyFields: must be true or false; got 1'],
  [
    { limits: { limiter: {} } },
    'limits.limiter: must be a limiter with admit(), such as createMemoryLimiter(); got an object',
  ],
  [
    { delivery: 5 },
    'delivery: must be { firstByteMs?, storeSilenceMs?, slowestStore?, resume?, slowestClient?, bytesPerSecond?, lifetimeMs?, multipleRanges? }; got 5',
  ],
  [
    { delivery: { bytesPerSecond: 1_023 } },
    'delivery.bytesPerSecond: must be bytes: a whole number from 1024 to 9007199254740991; got 1023',
  ],
  [{ delivery: { firstByteMs: 0 } }, `delivery.firstByteMs: ${ms('the time to the first byte', 100)}; got 0`],
  [
    { delivery: { storeSilenceMs: '15s' } },
    `delivery.storeSilenceMs: ${ms("the store's longest silence", 100)}; got a string`,
  ],
  [
    { delivery: { resume: { attempts: -1 } } },
    'delivery.resume.attempts: must be attempts: a whole number from 0 to 1000; got -1',
  ],
  [
    { delivery: { resume: { withinMs: 0 } } },
    `delivery.resume.withinMs: ${ms('the time for one outage', 100)}; got 0`,
  ],
  [{ delivery: { resume: 8 } }, 'delivery.resume: must be { attempts?, withinMs? }; got 8'],
  [{ delivery: { slowestStore: 1_024 } }, 'delivery.slowestStore: must be { bytes, perMs }; got 1024'],
  [{ delivery: { slowestClient: 1_024 } }, 'delivery.slowestClient: must be { bytes, perMs }; got 1024'],
  [
    { delivery: { slowestClient: { bytes: 1 } } },
    `delivery.slowestClient.perMs: ${ms('the window', 100)}; got nothing`,
  ],
  ...[
    { bytes: 1, perMs: 60_000 },
    { bytes: 1_024, perMs: 86_400_000 },
    { bytes: 65_535, perMs: 2_147_483_647 },
  ].map((slowestClient): [object, string] => [
    { delivery: { slowestClient } },
    'delivery.slowestClient: must be a pace at which 64 KiB take at most 2147483647 ms; got an object',
  ]),
  [
    { delivery: { lifetimeMs: 2 ** 31 } },
    `delivery.lifetimeMs: ${ms('the longest download', 1_000)}; got 2147483648`,
  ],
  [{ onEvent: 'log' }, 'onEvent: must be a function (event) => void; got a string'],
  [{ audit: {} }, 'audit: must be a function (event, signal) => Promise<void>; got an object'],
  [{ now: 0 }, 'now: must be a function () => milliseconds since the epoch; got 0'],
]
