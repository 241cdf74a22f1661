import { runInNewContext } from 'node:vm'

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { type OptionRow, optionRows } from '../../../../scripts/option-rows.ts'
import type {
  BearerVerifierOptions,
  DeliveryOptions,
  ExportHandlerOptions,
  Limits,
  VersionOptions,
} from '../../src/index.ts'
import {
  createBearerVerifier,
  createExportHandler,
  createIntrospectionVerifier,
  createJwtVerifier,
} from '../../src/index.ts'
import { createMemoryLimiter } from '../../src/limits/memory-limiter.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import type { MultiTenancy, Tenant } from '../../src/ports.ts'
import type { IntrospectionVerifierOptions } from '../../src/verifiers/introspection-options.ts'
import { checkIntrospectionOptions } from '../../src/verifiers/introspection-options.ts'
import type { JwtVerifierOptions } from '../../src/verifiers/jwt-options.ts'
import { checkJwtOptions } from '../../src/verifiers/jwt-options.ts'
import { type Behaviour, handlerBehaviours, soundHandlerOptions } from './behaviours.ts'
import {
  bearerBehaviours,
  introspectionBehaviours,
  jwtBehaviours,
  limiterBehaviours,
  soundBearerOptions,
  soundIntrospectionOptions,
  soundJwtOptions,
} from './verifier-behaviours.ts'

// docs/options.md, row by row: what it says of an absent option is what happens, and another value does something else.

/** The value that a row begins with, in the shape that JSON compares; `undefined`: the row has words alone. */
function valueOf({ absent }: OptionRow): unknown {
  const [, code] = /^`([^`]+)`(?=$|,|:|;|\.)/.exec(absent) ?? []
  return code === undefined || code.endsWith(')')
    ? undefined
    : (JSON.parse(JSON.stringify(runInNewContext(`(${code})`))) as unknown)
}
const isRequired = ({ absent }: OptionRow): boolean => /^(?:creation fails|required)\b/.test(absent)

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], value)

const without = (options: object, path: string): object => {
  const [name = '', inner] = path.split('.')
  const { [name as keyof typeof options]: part, ...others } = options
  return inner === undefined ? others : { ...others, [name]: without(part, inner) }
}

const doors = [
  {
    door: 'createExportHandler',
    create: (options: object): unknown => createExportHandler(options as ExportHandlerOptions),
    resolve: (options: object): unknown => {
      const { defaultVersion, ...others } = resolveOptions(options as ExportHandlerOptions)
      return { ...others, defaultVersion: defaultVersion.name }
    },
    sound: soundHandlerOptions,
    behaviours: handlerBehaviours,
  },
  {
    door: 'createJwtVerifier',
    create: (options: object): unknown => createJwtVerifier(options as JwtVerifierOptions),
    resolve: (options: object): unknown => checkJwtOptions(options as JwtVerifierOptions),
    sound: soundJwtOptions,
    behaviours: jwtBehaviours,
  },
  {
    door: 'createIntrospectionVerifier',
    create: (options: object): unknown =>
      createIntrospectionVerifier(options as IntrospectionVerifierOptions),
    resolve: (options: object): unknown => checkIntrospectionOptions(options as IntrospectionVerifierOptions),
    sound: soundIntrospectionOptions,
    behaviours: introspectionBehaviours,
  },
  {
    door: 'createBearerVerifier',
    create: (options: object): unknown => createBearerVerifier(options as BearerVerifierOptions),
    resolve: (options: object): unknown => options,
    sound: soundBearerOptions,
    behaviours: bearerBehaviours,
  },
  {
    door: 'createMemoryLimiter',
    create: (options: object): unknown => createMemoryLimiter(options),
    resolve: (): unknown => ({ maxKeys: limiterBehaviours.maxKeys.before }), // it shows its options to nobody
    sound: {},
    behaviours: limiterBehaviours,
  },
]

describe.each(doors)('$door', ({ door, create, resolve, sound, behaviours }) => {
  const rows = optionRows(door)

  test('every row has a behaviour below, and every behaviour a row', () => {
    expect(rows.map(({ option }) => option).toSorted()).toEqual(Object.keys(behaviours).toSorted())
  })

  test.each(rows.filter(isRequired))('$option must be given', ({ option }) => {
    expect(() => create(without(sound, option))).toThrow(new RegExp(`^${door}: ${option}: must be `))
  })

  test.each(rows.filter((row) => !isRequired(row)))('$option may be absent', ({ option }) => {
    expect(at(sound, option)).toBeUndefined()
  })

  test.each(rows.filter((row) => valueOf(row) !== undefined))('$option is $absent', (row) => {
    expect(at(resolve(sound), row.option)).toEqual(valueOf(row))
  })

  describe('what it does', () => {
    // The handler's timers are vitest's. The verifiers ask real servers and are given a clock.
    beforeEach(() => void (door === 'createExportHandler' && vi.useFakeTimers()))
    afterEach(() => void vi.useRealTimers())

    test.each(Object.entries(behaviours as Readonly<Record<string, Behaviour<object>>>))(
      '%s',
      async (_, { see, before, after }) => {
        expect(await see({})).toEqual(before)
        expect(after.length).toBeGreaterThan(0)
        for (const [changes, seen] of after) expect(await see(changes)).toEqual(seen)
      },
    )
  })
})

const names = (...groups: readonly (readonly [string, object])[]): readonly string[] =>
  groups.flatMap(([prefix, known]) => Object.keys(known).map((name) => `${prefix}${name}`)).toSorted()
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
    optionRows('createExportHandler')
      .map(({ option }) => option)
      .toSorted(),
  ).toEqual(known)
})
