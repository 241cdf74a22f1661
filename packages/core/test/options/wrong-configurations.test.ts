import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import type { JwtVerifierOptions } from '../../src/index.ts'
import {
  checkHandler,
  codedErrors,
  createBearerVerifier,
  createExportHandler,
  createIntrospectionVerifier,
  createJwtVerifier,
  createMemoryLimiter,
  problemDetails,
  validationErrors,
} from '../../src/index.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { createTestIssuer } from '../../src/testing/test-issuer.ts'
import { openScene, readyRecord, type SceneOptions, soundOptions } from '../handler/scene.ts'
import { serve } from '../verifiers/serve.ts'
import { soundIntrospectionOptions, soundJwtOptions } from './verifier-behaviours.ts'

// What hosts get wrong, and the whole line that they read: what is wrong, what was wanted, what was given, where to read on.
// Those of stores, adapters and the Redis limiter are in their packages, and a missing SDK in scripts/peers-check.ts.

const link = 'https://github.com/sallyport/sallyport/blob/main/docs/options.md#'
const pages = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../../docs', name), 'utf8')

/** The message of the TypeError. */
function messageOf(create: () => unknown): string {
  try {
    create()
  } catch (error) {
    return error instanceof TypeError ? error.message : `threw ${String(error)}`
  }
  return 'nothing was thrown'
}

const handlerWith =
  (changes: object): (() => unknown) =>
  () =>
    createExportHandler({ ...soundOptions(), ...changes })
const jwtWith =
  (changes: object): (() => unknown) =>
  () =>
    createJwtVerifier({ ...soundJwtOptions, ...changes })
const introspectionWith =
  (changes: object): (() => unknown) =>
  () =>
    createIntrospectionVerifier({ ...soundIntrospectionOptions, ...changes })
const seconds = new Date(1_900_000_000)
const tenancy = { mode: 'multi', findTenant: async () => undefined }
const handler = createExportHandler(soundOptions())

const ms = (what: string, least: number, most = 2_147_483_647): string =>
  `must be ${what} in milliseconds (1 s is 1000): a whole number from ${least} to ${most}`
const quota = { capacity: 60, refill: 1, perMs: 1_000 }
const aQuota = '{ capacity, refill, perMs } of whole numbers, perMs from 100 (1 s is 1000), or a function'

const wrong: Readonly<Record<string, readonly [title: string, create: () => unknown, line: string][]>> = {
  misspelt: [
    [
      'an option',
      handlerWith({ verfier: 1 }),
      'createExportHandler: verfier: is not an option; did you mean verifier?',
    ],
    [
      'a member of one',
      handlerWith({ limits: { perTennant: quota } }),
      'createExportHandler: limits.perTennant: is not an option; did you mean perTenant?',
    ],
    [
      'its case',
      handlerWith({ delivery: { lifetimems: 1_000 } }),
      'createExportHandler: delivery.lifetimems: is not an option; did you mean lifetimeMs?',
    ],
    [
      'its unit left out',
      handlerWith({ delivery: { firstByte: 1_000 } }),
      'createExportHandler: delivery.firstByte: is not an option; did you mean firstByteMs?',
    ],
    [
      'deep inside',
      handlerWith({ limits: { concurrent: { perPrincpal: 1 } } }),
      'createExportHandler: limits.concurrent.perPrincpal: is not an option; did you mean perPrincipal?',
    ],
    [
      'a member of a version',
      handlerWith({ versions: { v1: { mediaType: {} } } }),
      'createExportHandler: versions.v1.mediaType: is not an option; did you mean mediaTypes?',
    ],
    [
      'the name of another library',
      jwtWith({ jwksUri: 'https://issuer.test/keys' }),
      'createJwtVerifier: jwksUri: is not an option; did you mean jwks?',
    ],
    [
      'of introspection',
      introspectionWith({ clientID: 'us' }),
      'createIntrospectionVerifier: clientID: is not an option; did you mean clientId?',
    ],
    [
      'of the memory limiter',
      () => createMemoryLimiter({ maxkeys: 5 } as never),
      'createMemoryLimiter: maxkeys: is not an option; did you mean maxKeys?',
    ],
    [
      'of an error format',
      () => codedErrors({ revealstate: true } as never),
      'codedErrors: revealstate: is not an option; did you mean revealState?',
    ],
  ],
  'of another type': [
    [
      'a text for a number',
      handlerWith({ delivery: { firstByteMs: '15s' } }),
      `createExportHandler: delivery.firstByteMs: ${ms('the time to the first byte', 100)}; got a string`,
    ],
    [
      'a list for a text',
      handlerWith({ capability: ['exports:download'] }),
      "createExportHandler: capability: must be what the principal must hold, such as 'exports:download': printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3); got an array",
    ],
    [
      'a text for a list',
      jwtWith({ algorithms: 'RS256' }),
      "createJwtVerifier: algorithms: must be a list of RS256, PS256, ES256, EdDSA, Ed25519, RS384, RS512, PS384, PS512, ES384, ES512; got 'RS256'",
    ],
    [
      'a Map for a function',
      handlerWith({ tenancy: { ...tenancy, findTenant: new Map() } }),
      'createExportHandler: tenancy.findTenant: must be a function (name, principal, signal) => Promise<tenant | undefined>; got an object',
    ],
    [
      'a text for a Date',
      handlerWith({ versions: { v1: { sunset: '2027-01-01' } } }),
      'createExportHandler: versions.v1.sunset: must be a valid Date; got a string',
    ],
    [
      'a number for a quota',
      handlerWith({ limits: { perPrincipal: 60 } }),
      `createExportHandler: limits.perPrincipal: must be ${aQuota} (principal, tenant) => quota; got 60`,
    ],
    [
      'a text for a pattern',
      handlerWith({ tenancy: { ...tenancy, namePattern: '^a$' } }),
      'createExportHandler: tenancy.namePattern: must be a regular expression; got a string',
    ],
    [
      'an object for the callback',
      handlerWith({ onEvent: { write: () => undefined } }),
      'createExportHandler: onEvent: must be a function (event) => void; got an object',
    ],
    [
      'null for an option',
      handlerWith({ audit: null }),
      'createExportHandler: audit: must be a function (event, signal) => Promise<void>; got null',
    ],
    [
      'a text for the options',
      () => problemDetails('https://docs.example' as never),
      'problemDetails: options: must be { typeBase? }; got a string',
    ],
    [
      'another value',
      () => validationErrors({ detail: 'long' } as never),
      "validationErrors: detail: must be 'brief' or 'full'; got 'long'",
    ],
    [
      'a media type and its format swapped',
      handlerWith({ versions: { v1: { mediaTypes: { 'text/csv': 'csv' } } } }),
      "createExportHandler: versions.v1.mediaTypes.text/csv: must be a media type; got 'csv'",
    ],
    [
      'a store that is made later',
      handlerWith({ store: async () => createMemoryStore() }),
      'createExportHandler: store: must be a store with head() and get(), or a function (tenant) => store; got an async function: it must return the store itself',
    ],
    [
      'the promise of a verifier',
      handlerWith({ verifier: Promise.resolve({}) }),
      'createExportHandler: verifier: must be a verifier with verify(token, signal), such as createJwtVerifier({ … }); got an object',
    ],
    [
      'caps that do not nest',
      handlerWith({ limits: { concurrent: { perPrincipal: 9, total: 8 } } }),
      'createExportHandler: limits.concurrent: must be limits that nest: perPrincipal ≤ perTenant ≤ total; got an object',
    ],
    [
      'a version that there is not',
      handlerWith({ defaultVersion: 'v2' }),
      "createExportHandler: defaultVersion: must be one of v1; got 'v2'",
    ],
  ],
  'a wrong URL': [
    [
      'as text',
      jwtWith({ jwks: 'https://issuer.test/keys' }),
      "createJwtVerifier: jwks: must be new URL('https://…') of a key set, or { keys: [ … ] } itself; got a string",
    ],
    [
      'not encrypted',
      jwtWith({ jwks: new URL('http://issuer.test/keys') }),
      "createJwtVerifier: jwks: must be an https URL, or http on a loopback host; got 'http://issuer.test/keys'",
    ],
    [
      'with a password',
      introspectionWith({ endpoint: new URL('https://us:hush@issuer.test/introspect') }),
      'createIntrospectionVerifier: endpoint: must be a URL without credentials; got one with them',
    ],
    [
      'an issuer without https://',
      jwtWith({ issuer: 'issuer.test' }),
      "createJwtVerifier: jwks: must be given, or issuer be an https URL without query and fragment to discover keys from; got nothing, and issuer 'issuer.test'",
    ],
    [
      'relative',
      handlerWith({ versions: { v1: { links: { sunset: '/v1' } } } }),
      "createExportHandler: versions.v1.links.sunset: must be an absolute URL; got '/v1'",
    ],
    [
      'of another scheme',
      () => problemDetails({ typeBase: new URL('file:///errors') }),
      'problemDetails: typeBase: must be an http(s) URL without credentials, query and fragment; got another URL',
    ],
  ],
  'arguments swapped or left out': [
    [
      'none',
      () => createExportHandler(undefined as never),
      'createExportHandler: options: must be { verifier, tenancy, capability, findExport, store }; got nothing',
    ],
    [
      'the verifiers of createBearerVerifier as a list',
      () => createBearerVerifier([] as never),
      'createBearerVerifier: options: must be { jwt, opaque }; got an array',
    ],
    [
      'a number for the limiter',
      () => createMemoryLimiter(1_000 as never),
      'createMemoryLimiter: options: must be { maxKeys?, now? }; got 1000',
    ],
    [
      'drain(10_000)',
      () => handler.drain(10_000 as never),
      'drain: options: must be { withinMs }; got 10000',
    ],
    ['drain()', () => handler.drain(undefined as never), 'drain: options: must be { withinMs }; got nothing'],
    [
      'cut({ exportId })',
      () => handler.cut({ exportId: '1' } as never),
      'cut: matches: must be a function (download) => boolean; got an object',
    ],
    [
      'cut()',
      () => handler.cut(undefined as never),
      'cut: matches: must be a function (download) => boolean; got nothing',
    ],
  ],
  'seconds for milliseconds': [
    [
      'the first byte',
      handlerWith({ delivery: { firstByteMs: 15 } }),
      `createExportHandler: delivery.firstByteMs: ${ms('the time to the first byte', 100)}; got 15`,
    ],
    [
      'a silent store',
      handlerWith({ delivery: { storeSilenceMs: 15 } }),
      `createExportHandler: delivery.storeSilenceMs: ${ms("the store's longest silence", 100)}; got 15`,
    ],
    [
      'an outage',
      handlerWith({ delivery: { resume: { withinMs: 60 } } }),
      `createExportHandler: delivery.resume.withinMs: ${ms('the time for one outage', 100)}; got 60`,
    ],
    [
      'a pace',
      handlerWith({ delivery: { slowestClient: { bytes: 122_880, perMs: 60 } } }),
      `createExportHandler: delivery.slowestClient.perMs: ${ms('the window', 100)}; got 60`,
    ],
    [
      'a quota',
      handlerWith({ limits: { perAddress: { ...quota, perMs: 60 } } }),
      `createExportHandler: limits.perAddress.perMs: ${ms('the time of one refill', 100)}; got 60`,
    ],
    [
      'a quota that may be a function',
      handlerWith({ limits: { perTenant: { ...quota, perMs: 1 } } }),
      `createExportHandler: limits.perTenant.perMs: ${ms('the time of one refill', 100)}; got 1`,
    ],
    [
      'a clock',
      handlerWith({ now: () => 1_790_000_000 }),
      'createExportHandler: now: must be a function () => milliseconds since the epoch; got one that returns seconds, 1790000000',
    ],
    [
      'a date',
      handlerWith({ versions: { v1: { sunset: seconds } } }),
      'createExportHandler: versions.v1.sunset: must be a valid Date; got 1970-01-22T23:46:40.000Z: new Date() takes milliseconds, not seconds',
    ],
    [
      'clocks that differ',
      jwtWith({ clockToleranceMs: 30 }),
      `createJwtVerifier: clockToleranceMs: must be 0, or how much clocks may differ in milliseconds (1 s is 1000): a whole number from 1000 to 120000; got 30`,
    ],
    [
      'the age of a token',
      jwtWith({ maxTokenAgeMs: 3_600 }),
      `createJwtVerifier: maxTokenAgeMs: ${ms('the greatest age of a token', 60_000, Number.MAX_SAFE_INTEGER)}; got 3600`,
    ],
    [
      'drain',
      () => handler.drain({ withinMs: 10 }),
      `drain: withinMs: must be 0, or how long running downloads may go on in milliseconds (1 s is 1000): a whole number from 100 to 2147483647; got 10`,
    ],
  ],
  'a function that was not called': [
    [
      'the verifier',
      handlerWith({ verifier: createJwtVerifier }),
      'createExportHandler: verifier: must be a verifier with verify(token, signal), such as createJwtVerifier({ … }); got the function createJwtVerifier itself: call it',
    ],
    [
      'the error format',
      handlerWith({ versions: { v1: { errors: problemDetails } } }),
      'createExportHandler: versions.v1.errors: must be a function (refusal) => ({ status, contentType, body }), such as problemDetails(); got the function problemDetails itself: call it',
    ],
    [
      'the limiter',
      handlerWith({ limits: { limiter: createMemoryLimiter } }),
      'createExportHandler: limits.limiter: must be a limiter with admit(), such as createMemoryLimiter(); got the function createMemoryLimiter itself: call it',
    ],
    [
      'the store',
      handlerWith({ store: createMemoryStore }),
      'createExportHandler: store: must be a store with head() and get(), or a function (tenant) => store; got the function createMemoryStore itself: call it',
    ],
    [
      'one of two verifiers',
      () => createBearerVerifier({ jwt: createJwtVerifier, opaque: { verify: async () => ({}) } } as never),
      'createBearerVerifier: jwt: must be a verifier, such as createJwtVerifier({ … }); got the function createJwtVerifier itself: call it',
    ],
    [
      'a clock that was called',
      handlerWith({ now: Date.now() > 0 ? 5 : 5 }),
      'createExportHandler: now: must be a function () => milliseconds since the epoch; got 5',
    ],
    [
      'a clock of Dates',
      handlerWith({ now: () => new Date() }),
      'createExportHandler: now: must be a function () => milliseconds since the epoch; got one that returns a Date',
    ],
  ],
}

describe.each(Object.entries(wrong))('%s', (_, rows) => {
  test.each(rows)('%s', (_title, create, line) => {
    const [, name = ''] = /^(\w+): /.exec(line) ?? []
    expect(messageOf(create)).toBe(`${line}\n  see ${link}${name.toLowerCase()}`)
    expect(pages('options.md')).toContain(`\n## ${name}\n`)
  })
})

test('ready() without a signal', async () => {
  await expect(handler.ready(undefined as never)).rejects.toThrow(
    `ready: signal: must be an AbortSignal, such as AbortSignal.timeout(1_000); got nothing\n  see ${link}ready`,
  )
})

describe('what an adapter is given for a handler', () => {
  const { handle } = handler
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'nothing'],
    ['its method', handle, 'a function'],
    ['its options', soundOptions(), 'an object'],
    ['the function that makes it', createExportHandler, 'the function createExportHandler itself: call it'],
    ['its promise', Promise.resolve(handler), 'an object'],
  ])('%s', (_, given, got) => {
    expect(() => checkHandler('exportDownload', given)).toThrow(
      `exportDownload: handler: must be what createExportHandler returns; got ${got}\n  see ${link}exportdownload`,
    )
  })
})

// ── What only a request shows. It is refused, and an event says why: the code is in docs/events.md. ───────────────────

interface Told {
  readonly code: string
  readonly cause?: unknown
}

/** The codes and causes that one request by `token` tells. */
async function toldBy(options: SceneOptions, token = 'ann'): Promise<readonly string[]> {
  await using scene = await openScene(options)
  await scene.ask({ headers: { authorization: `Bearer ${token}` } })
  const told = scene.events.flatMap((event): readonly Told[] => {
    if (event.type === 'trouble') return [event]
    if (event.type === 'request_ended' && event.kind !== undefined)
      return [{ code: event.kind, cause: event.cause }]
    return []
  })
  // Where to read on: the table of refusals, or the one of troubles.
  for (const { code } of told)
    expect(pages('operations.md') + pages('events.md')).toMatch(
      new RegExp(`\`(?:${code}|${code.replace(/^[a-z]+_/, '<port>_')})\``),
    )
  return told.map(({ code, cause }) => `${code}: ${cause instanceof Error ? cause.message : String(cause)}`)
}
const testIssuer = await createTestIssuer()
const { issuer, jwks } = testIssuer
const good = await testIssuer.token()
const verifiedBy = (changes: Partial<JwtVerifierOptions>): SceneOptions => ({
  verifier: createJwtVerifier({ issuer, audience: 'exports', jwks, type: 'at+jwt', ...changes }),
})

test.each<[string, Partial<JwtVerifierOptions>, string]>([
  ['a wrong audience', { audience: 'imports' }, '"aud" is "exports", not strings with one of ["imports"]'],
  [
    'a slash after the issuer',
    { issuer: `${issuer}/` },
    '"iss" is "https://issuer.test", not "https://issuer.test/"',
  ],
  ['a wrong type', { type: 'JWT' }, '"typ" of the header is "at+jwt", not "JWT"'],
  ['a wrong algorithm', { algorithms: ['ES256'] }, '"alg" is "RS256", not one of ES256'],
])('%s is told with the refused token', async (_, changes, cause) => {
  expect(await toldBy(verifiedBy(changes), good)).toEqual([`token_invalid: ${cause}`])
})

test('an address that is the metadata and not the key set is told', async () => {
  await using server = await serve({ body: { issuer, jwks_uri: `${issuer}/keys` } })
  expect((await toldBy(verifiedBy({ jwks: server.url }), good))[0]).toBe(
    'verifier_unavailable: the document must be a JWK Set, { keys: [ … ] }; got an object with issuer, jwks_uri',
  )
})

test('an address where nobody answers is named', async () => {
  const jwks = new URL('http://127.0.0.1:9/keys')
  expect((await toldBy(verifiedBy({ jwks }), good))[0]).toMatch(
    /^verifier_unavailable: no answer from http:\/\/127\.0\.0\.1:9: /,
  )
})

const found = (changes: object): SceneOptions => ({
  findExport: async () => Object.assign({}, readyRecord, changes),
})
const multi = (findTenant: unknown): SceneOptions => ({
  tenancy: { mode: 'multi', findTenant: findTenant as never },
})

test.each<[title: string, options: SceneOptions, line: string]>([
  [
    'a store function without a result',
    { store: () => undefined as never },
    'store_failed: store: the function must return a store with head() and get(); got nothing',
  ],
  [
    'a tenant without id',
    multi(async () => ({ name: 'acme' })),
    "tenant_malformed: a tenant's id must be a text that is not empty; got nothing",
  ],
  [
    'another tenant than the one asked for',
    multi(async () => ({ id: 't-1', name: 'other' })),
    "tenant_mismatch: the tenant of findTenant must have the name 'acme'; got 'other'",
  ],
  [
    'a column for a member',
    found({ expires_at: new Date(1) }),
    "record_unknown_member: a record has no member 'expires_at'; did you mean expiresAt?",
  ],
  [
    'a misspelt member',
    found({ fileName: 'a.csv' }),
    "record_unknown_member: a record has no member 'fileName'; did you mean filename?",
  ],
  [
    'a member of the object beside it',
    found({ size: 5 }),
    "record_unknown_member: a record has no member 'size'; did you mean object.size?",
  ],
  [
    'a misspelt member of the object',
    found({ object: { etag: '"a"' } }),
    "record_unknown_member: a record has no member 'object.etag'; must be one of object.size, object.validator, object.lastModified, object.sha256, object.encoding",
  ],
  [
    'a key that is missing',
    found({ key: undefined }),
    'record_malformed: an export record needs a key that is not empty; got nothing',
  ],
  [
    'a key that is null',
    found({ key: null }),
    'record_malformed: an export record needs a key that is not empty; got null',
  ],
  [
    'a state of another catalogue',
    found({ state: 'done' }),
    "record_malformed: an export record needs a state of 'ready', 'pending' or 'failed'; got 'done'",
  ],
  [
    'a date as text',
    found({ expiresAt: '2027-01-01T00:00:00Z' }),
    "record_malformed: an export record needs an expiresAt that is a valid Date, or none; got '2027-01-01T00:00:00Z'",
  ],
  [
    'a date as seconds',
    found({ expiresAt: 1_900_000_000 }),
    'record_malformed: an export record needs an expiresAt that is a valid Date, or none; got 1900000000',
  ],
  [
    'a size as text',
    found({ object: { size: '5' } }),
    "record_malformed: an export record needs an object.size in bytes, or none; got '5'",
  ],
  [
    'rows for a row',
    { findExport: async () => [readyRecord] as never },
    "record_mismatch: record.id must be '0f0e0d0c-0b0a-4908-8706-000000000001'; got nothing",
  ],
  [
    'the record of another tenant',
    found({ tenantId: 't-other' }),
    "record_mismatch: record.tenantId must be 't-acme'; got 't-other'",
  ],
  [
    'the record of another export',
    found({ id: 'another' }),
    "record_mismatch: record.id must be '0f0e0d0c-0b0a-4908-8706-000000000001'; got 'another'",
  ],
  [
    'a missing capability',
    { capability: 'exports:read' },
    "capability_missing: the capabilities of the principal must include 'exports:read'; got ['exports:download']",
  ],
  [
    'a route with another parameter',
    { server: { parameter: 'id' } },
    "route_parameter_missing: idParameter must be a parameter of the route (id); got 'exportId'",
  ],
  [
    'a quota function that gives 0',
    { limits: { perPrincipal: () => ({ capacity: 0, refill: 1, perMs: 1_000 }) } },
    'limiter_failed: quota "principal": capacity, refill and perMs must be whole numbers from 1; got 0, 1 and 1000',
  ],
  [
    'an error format without a body',
    { versions: { v1: { errors: (() => ({})) as never } }, capability: 'exports:read' },
    'internal: an error format must return { status: 400 to 599, contentType, body }; got [nothing, nothing, nothing]',
  ],
])('%s is told', async (_, options, line) => {
  expect((await toldBy(options))[0]).toBe(line)
})

test('null is absence wherever a member may be absent', async () => {
  expect(
    await toldBy(found({ expiresAt: null, filename: null, object: { size: null, validator: null } })),
  ).toEqual([])
})
