import { ids, partOf, refuse, token } from '../export-server.ts'
import { type Fault, withFields, onStatus, onField, on, authorized, whole } from './fault.ts'

const ofFields: readonly Fault[] = [
  {
    title: 'a path as file name',
    check: 'naming.disposition-syntax',
    choices: { fields: { 'content-disposition': 'attachment; filename="../../etc/export.csv"' } },
  },
  {
    title: 'a file name with an open quote',
    check: 'naming.disposition-syntax',
    choices: { fields: { 'content-disposition': 'attachment; filename="export.csv' } },
  },
  {
    title: 'an inline export',
    check: 'naming.attachment',
    choices: { fields: { 'content-disposition': 'inline; filename="export.csv"' } },
  },
  {
    title: 'another type for a range',
    check: 'naming.content-type',
    change: onStatus(206, (reply) => withFields(reply, { 'content-type': 'text/plain' })),
  },
  {
    title: 'open to shared caches',
    check: 'browser-safety.shared-caches',
    choices: { fields: { 'cache-control': 'public, max-age=60, no-transform' } },
  },
  {
    title: 'nothing about storing',
    check: 'browser-safety.no-store',
    choices: { fields: { 'cache-control': 'no-transform' } },
  },
  {
    title: 'may be transformed',
    check: 'proxies.no-transform',
    choices: { fields: { 'cache-control': 'private, no-store' } },
  },
  {
    title: 'may be sniffed',
    check: 'browser-safety.nosniff',
    choices: { fields: { 'x-content-type-options': undefined } },
  },
  {
    title: 'may run scripts',
    check: 'browser-safety.sandbox',
    choices: { fields: { 'content-security-policy': undefined } },
  },
  {
    title: 'tells its URL to the next site',
    check: 'browser-safety.referrer',
    choices: { fields: { 'referrer-policy': 'origin' } },
  },
  {
    title: 'old RateLimit fields',
    check: 'limits.fields',
    choices: { fields: { ratelimit: 'limit=60, remaining=59' } },
  },
  { title: 'answered by a cache', check: 'proxies.cache', choices: { fields: { age: '17' } } },
  { title: 'shows its store', check: 'refusals.inside', choices: { fields: { 'x-amz-request-id': '1' } } },
]

const ofRefusals: readonly Fault[] = [
  { title: 'open to all', check: 'authentication.required', change: authorized },
  {
    title: 'no challenge',
    check: 'authentication.challenge',
    change: on(
      ({ headers }) => headers.authorization === undefined,
      (reply) => withFields(reply, { 'www-authenticate': undefined }),
    ),
  },
  {
    title: 'a login page in place of a 401',
    check: 'authentication.for-programs',
    change: on(
      ({ headers }) => headers.authorization === undefined,
      (reply) => withFields(reply, { 'content-type': 'text/html' }),
    ),
  },
  {
    title: 'redirects to a login page in place of a 401',
    check: 'authentication.for-programs',
    change: on(
      ({ headers }) => headers.authorization === undefined,
      () => ({ status: 302, headers: { location: '/login' }, body: new Uint8Array() }),
    ),
  },
  { title: 'takes any token', check: 'authentication.wrong', change: onField('authorization', authorized) },
  {
    title: 'no invalid_token',
    check: 'authentication.invalid-token',
    change: onField('authorization', (reply) =>
      reply.status === 401 ? withFields(reply, { 'www-authenticate': 'Bearer realm="exports"' }) : reply,
    ),
  },
  {
    title: 'does not verify the signature of a JWT',
    check: 'authentication.signature',
    change: on(
      ({ headers }) => headers.authorization?.startsWith(`Bearer ${token.slice(0, 40)}`) === true,
      authorized,
    ),
  },
  {
    title: 'cannot take a long token',
    check: 'proxies.long-token',
    change: on(
      ({ headers }) => (headers.authorization?.length ?? 0) > 8_000,
      () => refuse(431),
    ),
  },
  {
    title: 'answers 200 for a missing export',
    check: 'refusals.missing',
    change: onStatus(404, (reply) => ({ ...reply, status: 200 })),
  },
  {
    title: "tells another tenant's export",
    check: 'refusals.foreign',
    change: on(
      ({ url }) => url.pathname.includes(ids.foreign),
      () => refuse(403),
    ),
  },
  {
    title: 'a 404 that caches keep',
    check: 'refusals.not-stored',
    change: onStatus(404, (reply) => withFields(reply, { 'cache-control': undefined })),
  },
  {
    title: 'a 404 as a page',
    check: 'refusals.for-programs',
    change: onStatus(404, (reply) => withFields(reply, { 'content-type': 'text/html' })),
  },
  {
    title: 'a 404 without a request id',
    check: 'refusals.request-id',
    change: onStatus(404, (reply) => withFields(reply, { 'x-request-id': undefined })),
  },
  {
    title: 'a stack trace',
    check: 'refusals.inside',
    change: onStatus(404, (reply) => ({
      ...reply,
      body: Buffer.from('{"stack":"Error\n    at find (/app/src/catalogue.js:12:3)"}'),
    })),
  },
  {
    title: 'a 429 without Retry-After',
    check: 'limits.retry-after',
    change: (reply, { nth }) => (nth === 3 ? refuse(429) : reply),
  },
]

const ofMethods: readonly Fault[] = [
  {
    title: 'no HEAD',
    check: 'methods.head',
    change: on(
      ({ method }) => method === 'HEAD',
      () => refuse(405, { allow: 'GET, OPTIONS' }),
    ),
  },
  {
    title: 'another type for HEAD',
    check: 'methods.head-fields',
    change: on(
      ({ method }, { status }) => method === 'HEAD' && status === 200,
      (reply) => withFields(reply, { 'content-type': 'text/plain' }),
    ),
  },
  {
    title: 'obeys Range for HEAD',
    check: 'methods.head-range',
    change: on(
      ({ method, headers }) => method === 'HEAD' && headers.range !== undefined,
      (reply, { headers }) => partOf(reply, headers.range),
    ),
  },
  {
    title: 'a 405 without Allow',
    check: 'methods.not-allowed',
    change: onStatus(405, (reply) => withFields(reply, { allow: undefined })),
  },
  { title: 'the export for PROPFIND', check: 'methods.not-allowed', change: onStatus(405, () => whole) },
  {
    title: 'no OPTIONS',
    check: 'methods.options',
    change: on(
      ({ method }) => method === 'OPTIONS',
      () => refuse(404),
    ),
  },
]

/** Header fields, refusals and methods. */
export const refusalFaults: readonly Fault[] = [...ofFields, ...ofRefusals, ...ofMethods]
