export const quota = { capacity: 1, refill: 1, perMs: 1 }
const wholeMs = (what: string): string => `write ${what} in milliseconds: a whole number from 1 to 2147483647`
const places = 'write places: a whole number from 1 to 1000000'
const tokens = 'write tokens: a whole number from 1 to 1000000'
export const multi = { mode: 'multi', findTenant: async (): Promise<undefined> => undefined } as const

/** What `tenancy` is. */
export const tenancyText: string =
  "write { mode: 'multi', findTenant } or { mode: 'single', tenant: { id, name } }"

/** Options that are wrong, and the line of the complaint. */
export const wrongOptions: readonly (readonly [object, string])[] = [
  [
    { verifier: {} },
    'verifier: write a verifier with verify(token, signal), such as createJwtVerifier({ … }); got an object',
  ],
  [{ tenancy: 'multi' }, `tenancy: ${tenancyText}; got a string`],
  [{ tenancy: { mode: 'all' } }, `tenancy.mode: ${tenancyText}; got an object`],
  [
    { tenancy: { mode: 'multi' } },
    'tenancy.findTenant: write a function (name, principal, signal) => Promise<tenant | undefined>; got nothing',
  ],
  [
    { tenancy: { ...multi, isMember: true } },
    'tenancy.isMember: write a function (principal, tenant, signal) => Promise<boolean>; got true',
  ],
  [
    { tenancy: { ...multi, headerOptional: 'yes' } },
    'tenancy.headerOptional: write true or false; got a string',
  ],
  [
    { tenancy: { ...multi, namePattern: '^a$' } },
    'tenancy.namePattern: write a regular expression; got a string',
  ],
  [
    { tenancy: { ...multi, namePattern: /a/g } },
    'tenancy.namePattern: write a regular expression without the flags g and y; got an object',
  ],
  [
    { tenancy: { ...multi, namePattern: /a/y } },
    'tenancy.namePattern: write a regular expression without the flags g and y; got an object',
  ],
  [{ tenancy: { mode: 'single' } }, 'tenancy.tenant: write { id, name }; got nothing'],
  [
    { tenancy: { mode: 'single', tenant: { id: '', name: 'a' } } },
    "tenancy.tenant.id: write the tenant's stable id; got ''",
  ],
  [
    { tenancy: { mode: 'single', tenant: { id: 'a' } } },
    "tenancy.tenant.name: write the tenant's name; got nothing",
  ],
  [{ capability: '' }, "capability: write what the principal must hold, such as 'exports:download'; got ''"],
  [
    { capability: ['a'] },
    "capability: write what the principal must hold, such as 'exports:download'; got an array",
  ],
  [
    { capability: 'a b' },
    "capability: write printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3); got 'a b'",
  ],
  [
    { capability: 'a"b' },
    `capability: write printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3); got 'a"b'`,
  ],
  [
    { findExport: {} },
    'findExport: write a function (query, signal) => Promise<record | undefined>; got an object',
  ],
  [
    { store: { head: multi.findTenant } },
    'store: write a store with head() and get(), or a function (tenant) => store; got an object',
  ],
  [{ idParameter: '' }, "idParameter: write the name of a route parameter; got ''"],
  [{ idParameter: 5 }, 'idParameter: write the name of a route parameter; got 5'],
  [{ versions: {} }, 'versions: write at least one version; got an object'],
  [{ versions: ['v1'] }, 'versions: write { v1: {} }; got an array'],
  [{ versions: { 'v 1': {} } }, "versions.v 1: write a version of letters, digits and . _ -; got 'v 1'"],
  [
    { versions: { v1: 'json' } },
    'versions.v1: write { errors?, mediaTypes?, deprecated?, sunset?, links? }; got a string',
  ],
  [
    { versions: { v1: { errors: 'problem' } } },
    'versions.v1.errors: write a function (refusal) => ({ status, contentType, body }), such as problemDetails(); got a string',
  ],
  [
    { versions: { v1: { mediaTypes: { csv: 'csv' } } } },
    "versions.v1.mediaTypes.csv: write a media type; got 'csv'",
  ],
  [
    { versions: { v1: { mediaTypes: { csv: 'text/csv\r\nX-Evil: 1' } } } },
    "versions.v1.mediaTypes.csv: write a media type; got 'text/csv\r\nX-Evil: 1'",
  ],
  [{ versions: { v1: { deprecated: '2026' } } }, 'versions.v1.deprecated: write a valid Date; got a string'],
  [
    { versions: { v1: { sunset: new Date(Number.NaN) } } },
    'versions.v1.sunset: write a valid Date; got an invalid Date',
  ],
  [
    { versions: { v1: { deprecated: new Date(2), sunset: new Date(1) } } },
    'versions.v1: write a sunset that is not before deprecated (RFC 9745 §4); got an object',
  ],
  [
    { versions: { v1: { links: { sunset: '/sunset' } } } },
    "versions.v1.links.sunset: write an absolute URL; got '/sunset'",
  ],
  [{ defaultVersion: 'v2' }, 'defaultVersion: write one of v1'],
  [{ versions: { v2: {}, v3: {} } }, 'defaultVersion: write one of v2, v3'],
  [
    { limits: [] },
    'limits: write { perPrincipal?, perTenant?, perAddress?, concurrent?, cost?, legacyFields?, limiter? }; got an array',
  ],
  [
    { limits: { perPrincipal: 60 } },
    'limits.perPrincipal: write { capacity, refill, perMs }, whole numbers from 1, or a function (principal, tenant) => quota; got 60',
  ],
  [
    { limits: { perPrincipal: { ...quota, refill: 0.5 } } },
    'limits.perPrincipal: write { capacity, refill, perMs }, whole numbers from 1, or a function (principal, tenant) => quota; got an object',
  ],
  [
    { limits: { perTenant: { ...quota, capacity: 0 } } },
    'limits.perTenant: write { capacity, refill, perMs }, whole numbers from 1, or a function (tenant) => quota; got an object',
  ],
  [
    { limits: { perAddress: () => quota } },
    'limits.perAddress: write { capacity, refill, perMs }; got a function',
  ],
  [
    { limits: { perAddress: { ...quota, perMs: 0 } } },
    `limits.perAddress.perMs: ${wholeMs('the period of one refill')}; got 0`,
  ],
  [
    { limits: { perAddress: { ...quota, capacity: 2 ** 52, perMs: 2 } } },
    'limits.perAddress: write a quota whose capacity × perMs stays below 2^53; got an object',
  ],
  [{ limits: { concurrent: 16 } }, 'limits.concurrent: write { perPrincipal?, perTenant?, total? }; got 16'],
  [{ limits: { concurrent: { perPrincipal: 0 } } }, `limits.concurrent.perPrincipal: ${places}; got 0`],
  [{ limits: { concurrent: { perTenant: -1 } } }, `limits.concurrent.perTenant: ${places}; got -1`],
  [
    { limits: { concurrent: { perPrincipal: 9, perTenant: 8 } } },
    'limits.concurrent: write caps that nest: perPrincipal ≤ perTenant ≤ total; got an object',
  ],
  [
    { limits: { concurrent: { perPrincipal: 9, total: 8 } } },
    'limits.concurrent: write caps that nest: perPrincipal ≤ perTenant ≤ total; got an object',
  ],
  [{ limits: { concurrent: { total: 1.5 } } }, `limits.concurrent.total: ${places}; got 1.5`],
  [{ limits: { cost: { download: 0 } } }, `limits.cost.download: ${tokens}; got 0`],
  [{ limits: { cost: { range: '1' } } }, `limits.cost.range: ${tokens}; got a string`],
  [{ limits: { cost: { head: Number.NaN } } }, `limits.cost.head: ${tokens}; got NaN`],
  [{ limits: { cost: { range: 61 } } }, 'limits.cost: write at most 60, the smallest capacity; got 61'],
  [
    { limits: { perTenant: quota, cost: { head: 2 } } },
    'limits.cost: write at most 1, the smallest capacity; got 2',
  ],
  [{ limits: { legacyFields: 1 } }, 'limits.legacyFields: write true or false; got 1'],
  [
    { limits: { limiter: {} } },
    'limits.limiter: write a limiter with admit(), such as createMemoryLimiter(); got an object',
  ],
  [
    { delivery: 5 },
    'delivery: write { firstByteMs?, storeSilenceMs?, resume?, slowestClient?, lifetimeMs?, multipleRanges? }; got 5',
  ],
  [{ delivery: { firstByteMs: 0 } }, `delivery.firstByteMs: ${wholeMs('the time to the first byte')}; got 0`],
  [
    { delivery: { storeSilenceMs: '15s' } },
    `delivery.storeSilenceMs: ${wholeMs("the store's longest silence")}; got a string`,
  ],
  [
    { delivery: { resume: { attempts: -1 } } },
    'delivery.resume.attempts: write re-opens: a whole number from 0 to 1000; got -1',
  ],
  [
    { delivery: { resume: { withinMs: 0 } } },
    `delivery.resume.withinMs: ${wholeMs('the time for one outage')}; got 0`,
  ],
  [{ delivery: { resume: 8 } }, 'delivery.resume: write { attempts?, withinMs? }; got 8'],
  [{ delivery: { multipleRanges: 1 } }, 'delivery.multipleRanges: write true or false; got 1'],
  [{ delivery: { slowestClient: 1_024 } }, 'delivery.slowestClient: write { bytes, perMs }; got 1024'],
  [
    { delivery: { slowestClient: { bytes: 1 } } },
    `delivery.slowestClient.perMs: ${wholeMs('the window')}; got nothing`,
  ],
  ...[
    { bytes: 1, perMs: 60_000 },
    { bytes: 1_024, perMs: 86_400_000 },
    { bytes: 65_535, perMs: 2_147_483_647 },
  ].map((slowestClient): [object, string] => [
    { delivery: { slowestClient } },
    'delivery.slowestClient: write a pace at which 64 KiB take at most 2147483647 ms; got an object',
  ]),
  [
    { delivery: { lifetimeMs: 2 ** 31 } },
    `delivery.lifetimeMs: ${wholeMs('the longest download')}; got 2147483648`,
  ],
  [{ onEvent: 'log' }, 'onEvent: write a function (event) => void; got a string'],
  [{ audit: {} }, 'audit: write a function (event, signal) => Promise<void>; got an object'],
  [{ now: 0 }, 'now: write a function () => milliseconds since the epoch; got 0'],
]
