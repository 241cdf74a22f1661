import { describe, expect, test } from 'vitest'

import { createExportHandler } from '../../src/export-handler.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { soundOptions } from '../handler/scene.ts'
import { multi, quota, tenancyText, wrongOptions } from './wrong-options.ts'

const sound = soundOptions()

/** What creation says to options that are sound but for these. */
function complaint(changes: object): string {
  try {
    createExportHandler({ ...sound, ...changes })
  } catch (error) {
    return error instanceof TypeError ? error.message : `threw ${String(error)}`
  }
  return 'nothing'
}
const link = '  see https://github.com/sallyport/sallyport/blob/main/docs/options.md#createexporthandler'
const says = (line: string): string => `createExportHandler: ${line}\n${link}`

describe('what must be there is missed at once', () => {
  test.each([
    ['verifier', 'must be a verifier with verify(token, signal), such as createJwtVerifier({ … })'],
    ['tenancy', tenancyText],
    [
      'capability',
      "must be what the principal must hold, such as 'exports:download': printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3)",
    ],
    ['findExport', 'must be a function (query, signal) => Promise<record | undefined>'],
    ['store', 'must be a store with head() and get(), or a function (tenant) => store'],
  ])('%s', (name, must) => {
    expect(complaint({ [name]: undefined })).toBe(says(`${name}: ${must}; got nothing`))
    const { [name as 'store']: _, ...others } = sound
    expect(() => createExportHandler(others as never)).toThrow(
      new TypeError(says(`${name}: ${must}; got nothing`)),
    )
  })

  test.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [[], 'an array'],
    ['options', 'a string'],
    [5, '5'],
  ])('options that are %j', (options, got) => {
    const line = `options: must be { verifier, tenancy, capability, findExport, store }; got ${got}`
    expect(() => createExportHandler(options as never)).toThrow(new TypeError(says(line)))
  })
})

describe('each wrong option is named, with what to write', () => {
  test.each(wrongOptions)('%j', (changes, line) => {
    expect(complaint(changes)).toBe(says(line))
  })
})

describe('what nobody knows is refused', () => {
  test.each<[object, string, string]>([
    [{ verifer: 1 }, 'verifer', 'did you mean verifier?'],
    [{ capabilty: 'x' }, 'capabilty', 'did you mean capability?'],
    [
      { tenancy: { ...multi, tenant: {} } },
      'tenancy.tenant',
      'must be one of mode, findTenant, isMember, headerOptional, namePattern, header, parameter',
    ],
    [
      { tenancy: { mode: 'single', tenant: { id: 'a', name: 'a' }, findTenant: 1 } },
      'tenancy.findTenant',
      'must be one of mode, tenant',
    ],
    [{ versions: { v1: { error: 1 } } }, 'versions.v1.error', 'did you mean errors?'],
    [
      { versions: { v1: { links: { next: 'https://example.com' } } } },
      'versions.v1.links.next',
      'must be one of deprecation, sunset, successor-version',
    ],
    [
      { limits: { perUser: 1 } },
      'limits.perUser',
      'must be one of perPrincipal, perTenant, perAddress, bytes, concurrent, cost, legacyFields, limiter',
    ],
    [
      { limits: { perAddress: { ...quota, burst: 1 } } },
      'limits.perAddress.burst',
      'must be one of capacity, refill, perMs',
    ],
    [
      { limits: { concurrent: { all: 1 } } },
      'limits.concurrent.all',
      'must be one of perPrincipal, perTenant, total',
    ],
    [{ limits: { cost: { get: 1 } } }, 'limits.cost.get', 'must be one of download, range, head'],
    [
      { limits: { onOutage: 'open' } },
      'limits.onOutage',
      'must be one of perPrincipal, perTenant, perAddress, bytes, concurrent, cost, legacyFields, limiter',
    ],
    [{ delivery: { lifetimems: 1 } }, 'delivery.lifetimems', 'did you mean lifetimeMs?'],
    [{ delivery: { resume: { tries: 1 } } }, 'delivery.resume.tries', 'must be one of attempts, withinMs'],
    [
      { delivery: { slowestClient: { bytes: 1, perMs: 1, off: true } } },
      'delivery.slowestClient.off',
      'must be one of bytes, perMs',
    ],
    [{ ['x'.repeat(1_000)]: 1 }, 'x'.repeat(1_000), 'must be one of verifier, tenancy,'],
  ])('%j', (changes, name, advice) => {
    expect(complaint(changes)).toContain(`createExportHandler: ${name}: is not an option; ${advice}`)
  })
})

test('all that is wrong is told at once, a line each', () => {
  const { message } = new TypeError(
    complaint({ capability: 5, store: undefined, extra: 1, delivery: { lifetimeMs: 0 } }),
  )
  expect(
    message.split('\n').map((line) => line.replace('createExportHandler:', '').trim().split(':')[0]),
  ).toEqual(['capability', 'store', 'delivery.lifetimeMs', 'extra', link.trim().split(':')[0]])
})

test('nothing that may be secret is printed', () => {
  const secret = 'hunter2-secret'
  const everywhere = Object.fromEntries(
    [
      'verifier',
      'tenancy',
      'findExport',
      'store',
      'limits',
      'delivery',
      'onEvent',
      'audit',
      'now',
      'versions',
      'extra',
    ].map((name) => [name, secret]),
  )
  const nested = {
    tenancy: { mode: secret, findTenant: secret },
    store: { connectionString: secret },
    versions: { v1: { errors: secret, deprecated: secret, [`x`]: secret } },
    limits: { limiter: { url: secret }, perPrincipal: secret, concurrent: { total: secret } },
    delivery: { firstByteMs: secret, resume: { attempts: secret } },
  }
  expect(complaint(everywhere)).toContain('verifier')
  expect(complaint(everywhere)).not.toContain(secret)
  expect(complaint(nested)).toContain('limits.concurrent.total')
  expect(complaint(nested)).not.toContain(secret)
  expect(complaint({ capability: ` ${'x'.repeat(40)}` })).not.toContain('xxx')
})

describe('defaults', () => {
  const { limits: _, ...bare } = sound
  const { limits, delivery, idParameter, defaultVersion, versions } = resolveOptions(bare)

  test('are those that the docs name', () => {
    expect({
      idParameter,
      defaultVersion: defaultVersion.name,
      versions: [...versions.keys()],
      delivery,
    }).toEqual({
      idParameter: 'exportId',
      defaultVersion: 'v1',
      versions: ['v1'],
      delivery: {
        firstByteMs: 15_000,
        storeSilenceMs: 15_000,
        resume: { attempts: Infinity, withinMs: 60_000 },
        slowestStore: { bytes: 61_440, perMs: 60_000 },
        slowestClient: { bytes: 122_880, perMs: 120_000 },
        lifetimeMs: 86_400_000,
        multipleRanges: false,
      },
    })
    expect(limits).toEqual({
      perPrincipal: { capacity: 60, refill: 1, perMs: 1_000 },
      concurrent: { perPrincipal: 16 },
      poolShares: { principals: true, tenants: true },
      cost: { download: 1, range: 1, head: 1 },
      legacyFields: false,
      limiter: limits.limiter,
    })
    expect(defaultVersion.mediaTypes).toEqual({
      jsonl: 'application/jsonl',
      csv: 'text/csv; charset=utf-8',
      json: 'application/json',
      'jsonl.gz': 'application/gzip',
      'csv.gz': 'application/gzip',
      'json.gz': 'application/gzip',
    })
  })

  test('stand in for what is given as undefined', () => {
    const given = {
      ...bare,
      idParameter: undefined,
      versions: { v1: { errors: undefined, mediaTypes: undefined, links: undefined } },
      defaultVersion: undefined,
      limits: {
        perPrincipal: undefined,
        concurrent: { perPrincipal: undefined },
        cost: { head: undefined },
        limiter: limits.limiter,
      },
      delivery: { firstByteMs: undefined, resume: { attempts: undefined }, slowestClient: undefined },
      now: undefined,
    }
    const resolved = resolveOptions(given as never)
    expect(resolved.delivery).toEqual(delivery)
    expect(resolved.limits).toEqual(limits)
    expect(resolved.idParameter).toBe('exportId')
    expect(resolved.now).toBe(Date.now)
  })

  test('are what is not given, part by part', () => {
    const { limits: given } = resolveOptions({
      ...bare,
      limits: { concurrent: { total: 5 }, cost: { head: 2 } },
    })
    expect(given.concurrent).toEqual({ perPrincipal: 5, total: 5 })
    expect(given.cost).toEqual({ download: 1, range: 1, head: 2 })
  })
})

test('a quota that is a function is asked for later, whatever the cost', () => {
  const limits = { perPrincipal: () => quota, cost: { download: 5 } }
  expect(complaint({ limits })).toBe('nothing')
})
