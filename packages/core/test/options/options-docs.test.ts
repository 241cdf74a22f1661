import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import { optionRows } from '../../../../scripts/option-rows.ts'
import { testOptions } from '../../../../scripts/test-options.ts'
import type { DeliveryOptions, ExportHandlerOptions, Limits, VersionOptions } from '../../src/index.ts'
import {
  codedErrors,
  createBearerVerifier,
  createExportHandler,
  createIntrospectionVerifier,
  createJwtVerifier,
  createMemoryLimiter,
  createTickets,
  problemDetails,
  validationErrors,
} from '../../src/index.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import type { MultiTenancy, Tenant } from '../../src/ports.ts'
import { checkIntrospectionOptions } from '../../src/verifiers/introspection-options.ts'
import { checkJwtOptions } from '../../src/verifiers/jwt-options.ts'
import { checkTicketOptions } from '../../src/verifiers/ticket-options.ts'
import {
  cutBehaviours,
  drainBehaviours,
  handlerBehaviours,
  readyBehaviours,
  soundHandlerOptions,
} from './behaviours.ts'
import { codedBehaviours, problemBehaviours, validationBehaviours } from './format-behaviours.ts'
import { soundTicketOptions, ticketBehaviours } from './ticket-behaviours.ts'
import {
  bearerBehaviours,
  introspectionBehaviours,
  jwtBehaviours,
  limiterBehaviours,
  soundBearerOptions,
  soundIntrospectionOptions,
  soundJwtOptions,
} from './verifier-behaviours.ts'

describe('createExportHandler', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  testOptions({
    name: 'createExportHandler',
    create: createExportHandler,
    resolve: (options) => {
      const { defaultVersion, ...others } = resolveOptions(options)
      return { ...others, defaultVersion: defaultVersion.name }
    },
    sound: soundHandlerOptions,
    behaviours: handlerBehaviours,
  })
})

describe('the methods of the handler', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const handler = createExportHandler(soundHandlerOptions)

  describe('drain', () => {
    testOptions({
      name: 'drain',
      create: handler.drain,
      sound: { withinMs: 1_000 },
      behaviours: drainBehaviours,
    })
  })
  describe('cut', () => {
    testOptions<{ readonly matches: Parameters<typeof handler.cut>[0] }>({
      name: 'cut',
      create: ({ matches }) => handler.cut(matches),
      sound: { matches: () => true },
      behaviours: cutBehaviours,
    })
  })
  describe('ready', () => {
    const { signal } = new AbortController()
    test('signal must be given', async () => {
      await expect(handler.ready(undefined as never)).rejects.toThrow(/^ready: signal: must be /)
    })
    test.each(Object.entries(readyBehaviours))('%s', async (_, { see, before, after }) => {
      expect(await see({ signal })).toEqual(before)
      for (const [changes, seen] of after) expect(await see(changes)).toEqual(seen)
    })
  })
})

describe('createJwtVerifier', () => {
  testOptions({
    name: 'createJwtVerifier',
    create: createJwtVerifier,
    resolve: checkJwtOptions,
    sound: soundJwtOptions,
    behaviours: jwtBehaviours,
  })
})

describe('createIntrospectionVerifier', () => {
  testOptions({
    name: 'createIntrospectionVerifier',
    create: createIntrospectionVerifier,
    resolve: checkIntrospectionOptions,
    sound: soundIntrospectionOptions,
    behaviours: introspectionBehaviours,
  })
})

describe('createBearerVerifier', () => {
  testOptions({
    name: 'createBearerVerifier',
    create: createBearerVerifier,
    sound: soundBearerOptions,
    behaviours: bearerBehaviours,
  })
})

describe('createTickets', () => {
  testOptions({
    name: 'createTickets',
    create: createTickets,
    resolve: checkTicketOptions,
    sound: soundTicketOptions,
    behaviours: ticketBehaviours,
  })
})

describe('createMemoryLimiter', () => {
  testOptions({
    name: 'createMemoryLimiter',
    create: createMemoryLimiter,
    sound: {},
    behaviours: limiterBehaviours,
  })
})

describe('problemDetails', () => {
  testOptions({ name: 'problemDetails', create: problemDetails, sound: {}, behaviours: problemBehaviours })
})

describe('codedErrors', () => {
  testOptions({ name: 'codedErrors', create: codedErrors, sound: {}, behaviours: codedBehaviours })
})

describe('validationErrors', () => {
  testOptions({
    name: 'validationErrors',
    create: validationErrors,
    sound: {},
    behaviours: validationBehaviours,
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
    idPattern: true,
    versionHeader: true,
    versions: true,
    defaultVersion: true,
    tickets: true,
    onEvent: true,
    audit: true,
    now: true,
  }
  const tenancy: Record<keyof Omit<MultiTenancy<Tenant>, 'mode'>, true> = {
    findTenant: true,
    isMember: true,
    headerOptional: true,
    namePattern: true,
    header: true,
    parameter: true,
  }
  const version: Record<keyof VersionOptions, true> = {
    errors: true,
    mediaTypes: true,
    deprecated: true,
    sunset: true,
    links: true,
  }
  const limits: Record<keyof Omit<Limits, 'bytes' | 'concurrent' | 'cost'>, true> = {
    perPrincipal: true,
    perTenant: true,
    perAddress: true,
    legacyFields: true,
    limiter: true,
  }
  const bytes: Record<keyof Required<Limits>['bytes'], true> = { perPrincipal: true, perTenant: true }
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
    bytesPerSecond: true,
    lifetimeMs: true,
    multipleRanges: true,
  }
  const resume: Record<keyof Required<DeliveryOptions>['resume'], true> = { attempts: true, withinMs: true }
  const known = names(
    ['', top],
    ['tenancy.', tenancy],
    ['versions.*.', version],
    ['limits.', limits],
    ['limits.bytes.', bytes],
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
