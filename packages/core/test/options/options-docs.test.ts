import { readFile } from 'node:fs/promises'
import { runInNewContext } from 'node:vm'

import { describe, expect, test } from 'vitest'

import type { DeliveryOptions, ExportHandlerOptions, Limits, VersionOptions } from '../../src/index.ts'
import { createExportHandler, createIntrospectionVerifier, createJwtVerifier } from '../../src/index.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import type { MultiTenancy, Tenant } from '../../src/ports.ts'
import type { IntrospectionVerifierOptions } from '../../src/verifiers/introspection-options.ts'
import { checkIntrospectionOptions } from '../../src/verifiers/introspection-options.ts'
import type { JwtVerifierOptions } from '../../src/verifiers/jwt-options.ts'
import { checkJwtOptions } from '../../src/verifiers/jwt-options.ts'
import { soundOptions } from '../handler/scene.ts'

// docs/options.md, row by row: what it says of an absent option is what happens.

const text = await readFile(new URL('../../../../docs/options.md', import.meta.url), 'utf8')

interface Row {
  readonly option: string
  readonly absent: string
}

function rowsOf(heading: string): readonly Row[] {
  const [, section = ''] = text.split(`## ${heading}\n`)
  const [table = ''] = section.split('\n## ')
  return [...table.matchAll(/^\| `([\w.*]+)` +\| (.*?) +\|$/gm)].map(([, option = '', absent = '']) => ({
    option,
    absent,
  }))
}

/** The value that a row begins with, in the shape that JSON compares; `undefined`: the row has words alone. */
function valueOf({ absent }: Row): unknown {
  const [, code] = /^`([^`]+)`(?=$|,)/.exec(absent) ?? []
  return code === undefined || code.endsWith(')')
    ? undefined
    : (JSON.parse(JSON.stringify(runInNewContext(`(${code})`))) as unknown)
}

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], value)

const without = (options: object, path: string): object => {
  const [name = '', inner] = path.split('.')
  const { [name as keyof typeof options]: part, ...others } = options
  return inner === undefined ? others : { ...others, [name]: without(part, inner) }
}

const names = (...groups: readonly (readonly [string, object])[]): readonly string[] =>
  groups.flatMap(([prefix, known]) => Object.keys(known).map((name) => `${prefix}${name}`)).toSorted()

const doors = [
  {
    door: 'createExportHandler',
    create: (options: object): unknown => createExportHandler(options as ExportHandlerOptions),
    resolve: (options: object): unknown => {
      const { defaultVersion, ...others } = resolveOptions(options as ExportHandlerOptions)
      return { ...others, defaultVersion: defaultVersion.name }
    },
    sound: { ...soundOptions(), limits: {} },
  },
  {
    door: 'createJwtVerifier',
    create: (options: object): unknown => createJwtVerifier(options as JwtVerifierOptions),
    resolve: (options: object): unknown => checkJwtOptions(options as JwtVerifierOptions),
    sound: {
      issuer: 'https://issuer.test',
      audience: 'exports',
      jwks: new URL('https://issuer.test/keys'),
      type: 'any',
    },
  },
  {
    door: 'createIntrospectionVerifier',
    create: (options: object): unknown =>
      createIntrospectionVerifier(options as IntrospectionVerifierOptions),
    resolve: (options: object): unknown => checkIntrospectionOptions(options as IntrospectionVerifierOptions),
    sound: {
      endpoint: new URL('https://issuer.test/introspect'),
      clientId: 'exports',
      clientSecret: 'secret',
      issuer: 'https://issuer.test',
      audience: 'exports',
    },
  },
]

describe.each(doors)('$door', ({ door, create, resolve, sound }) => {
  const rows = rowsOf(door)

  test.each(rows.filter(({ absent }) => absent === 'creation fails'))(
    '$option must be there',
    ({ option }) => {
      expect(() => create(without(sound, option))).toThrow(new RegExp(`^${door}: ${option}: must be `))
    },
  )

  test.each(rows.filter((row) => valueOf(row) !== undefined))('$option is $absent', (row) => {
    expect(at(resolve(sound), row.option)).toEqual(valueOf(row))
  })

  test.each(rows.filter((row) => row.absent !== 'creation fails' && valueOf(row) === undefined))(
    '$option may be absent: $absent',
    () => {
      expect(() => create(sound)).not.toThrow()
    },
  )
})

test('no option is left out', () => {
  const top: Record<keyof Omit<ExportHandlerOptions, 'limits' | 'delivery'>, true> = {
    verifier: true,
    tenancy: true,
    capability: true,
    findExport: true,
    store: true,
    idParameter: true,
    versions: true,
    defaultVersion: true,
    onEvent: true,
    audit: true,
    now: true,
  }
  const tenancy: Record<keyof Omit<MultiTenancy<Tenant>, 'mode'>, true> = {
    findTenant: true,
    isMember: true,
    headerOptional: true,
    namePattern: true,
  }
  const version: Record<keyof VersionOptions, true> = {
    errors: true,
    mediaTypes: true,
    deprecated: true,
    sunset: true,
    links: true,
  }
  const limits: Record<keyof Omit<Limits, 'concurrent' | 'cost'>, true> = {
    perPrincipal: true,
    perTenant: true,
    perAddress: true,
    legacyFields: true,
    limiter: true,
  }
  const concurrent: Record<keyof Required<Limits>['concurrent'], true> = {
    perPrincipal: true,
    perTenant: true,
    total: true,
  }
  const cost: Record<keyof Required<Limits>['cost'], true> = { download: true, range: true, head: true }
  const delivery: Record<keyof Omit<DeliveryOptions, 'resume'>, true> = {
    firstByteMs: true,
    storeSilenceMs: true,
    slowestClient: true,
    slowestStore: true,
    lifetimeMs: true,
    multipleRanges: true,
  }
  const resume: Record<keyof Required<DeliveryOptions>['resume'], true> = { attempts: true, withinMs: true }
  const known = names(
    ['', top],
    ['tenancy.', tenancy],
    ['versions.*.', version],
    ['limits.', limits],
    ['limits.concurrent.', concurrent],
    ['limits.cost.', cost],
    ['delivery.', delivery],
    ['delivery.resume.', resume],
  )
  expect(
    rowsOf('createExportHandler')
      .map(({ option }) => option)
      .toSorted(),
  ).toEqual(known)

  const jwt: Record<keyof JwtVerifierOptions, true> = {
    issuer: true,
    audience: true,
    jwks: true,
    algorithms: true,
    type: true,
    clockToleranceMs: true,
    maxTokenAgeMs: true,
    cacheMs: true,
    staleKeysMs: true,
    readClaims: true,
    maxTokenLength: true,
    fetch: true,
  }
  expect(
    rowsOf('createJwtVerifier')
      .map(({ option }) => option)
      .toSorted(),
  ).toEqual(names(['', jwt]))

  const opaque: Record<keyof IntrospectionVerifierOptions, true> = {
    endpoint: true,
    clientId: true,
    clientSecret: true,
    issuer: true,
    audience: true,
    cacheMs: true,
    readClaims: true,
    maxTokenLength: true,
    fetch: true,
  }
  expect(
    rowsOf('createIntrospectionVerifier')
      .map(({ option }) => option)
      .toSorted(),
  ).toEqual(names(['', opaque]))
})
