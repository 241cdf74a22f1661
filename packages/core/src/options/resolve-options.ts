import { kindOf, wrongOptions } from '../check-options.ts'
import { problemDetails } from '../error-formats/problem-details.ts'
import { refusalPage } from '../error-formats/refusal-page.ts'
import { formatDeprecation, formatLinks, formatSunset } from '../http/response-fields.ts'
import { createMemoryLimiter } from '../limits/memory-limiter.ts'
import type {
  ExportStore,
  MultiTenancy,
  Principal,
  Quota,
  RateLimiter,
  SingleTenancy,
  Tenant,
} from '../ports.ts'
import type { ErrorFormat } from '../refusals.ts'
import type { TenantNameRules } from '../steps/parse-tenant-name.ts'
import { defaultNamePattern } from '../steps/parse-tenant-name.ts'
import type { Tickets } from '../ticket.ts'
import { checkHandlerOptions } from './check-handler-options.ts'
import type { DeliveryOptions, ExportHandlerOptions, Limits, VersionOptions } from './options.ts'

/** One API version, with the header fields of its responses. */
interface Version {
  readonly name: string
  readonly errors: ErrorFormat
  readonly mediaTypes: Readonly<Record<string, string>>
  readonly sunset?: Date | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** The options of a handler, with all defaults filled in. */
export interface HandlerSettings<T extends Tenant> extends Pick<
  ExportHandlerOptions<T>,
  'verifier' | 'tenancy' | 'capability' | 'findExport' | 'audit' | 'onEvent'
> {
  readonly storeOf: (tenant: T) => ExportStore
  readonly idParameter: string
  readonly idPattern?: RegExp | undefined
  readonly tenantName: TenantNameRules
  readonly versionHeader: string
  /** The request headers that choose tenant and version, as `Vary` lists them. */
  readonly vary: string
  readonly versions: ReadonlyMap<string, Version>
  readonly defaultVersion: Version
  /** Absent: the handler has no tickets. */
  readonly tickets?: FilledTickets | undefined
  readonly limits: FilledLimits<T>
  readonly delivery: FilledDelivery
  readonly now: () => number
}

/** The tickets, with the library's page if the host has none. */
type FilledTickets = Tickets & Required<Pick<Tickets, 'page'>>

/** The limits, with all defaults filled in. */
export interface FilledLimits<T extends Tenant> extends Pick<
  Limits<T>,
  'perTenant' | 'perAddress' | 'bytes'
> {
  readonly perPrincipal: Quota | ((principal: Principal, tenant: T) => Quota)
  readonly concurrent: { readonly perPrincipal: number; readonly perTenant?: number; readonly total?: number }
  readonly cost: { readonly download: number; readonly range: number; readonly head: number }
  /** Whether principals and tenants are limited to a share of the store's connections, because the host has set no number. */
  readonly poolShares: { readonly principals: boolean; readonly tenants: boolean }
  readonly legacyFields: boolean
  readonly limiter: RateLimiter
}

/** The delivery options, with all defaults filled in. */
export interface FilledDelivery
  extends
    Required<Omit<DeliveryOptions, 'resume' | 'bytesPerSecond'>>,
    Pick<DeliveryOptions, 'bytesPerSecond'> {
  readonly resume: Required<NonNullable<DeliveryOptions['resume']>>
}

/** Checks the options and fills in the defaults. Throws a `TypeError` that names each wrong option. */
export function resolveOptions<T extends Tenant>(options: ExportHandlerOptions<T>): HandlerSettings<T> {
  checkHandlerOptions(options)
  const { tenancy, store, versions = { v1: {} }, defaultVersion = 'v1', limits = {}, delivery = {} } = options
  const { idParameter = 'exportId', versionHeader = 'X-API-Version' } = options
  const tenantName = fillTenantName(tenancy)
  checkNames(tenancy, tenantName, idParameter, versionHeader)
  const filled = new Map(
    Object.entries(versions).map(([name, version]) => [name, fillVersion(name, version, versionHeader)]),
  )
  const chosen = filled.get(defaultVersion)
  if (!chosen)
    throw wrongOptions('createExportHandler', [
      `defaultVersion: must be one of ${[...filled.keys()].join(', ')}; got '${defaultVersion}'`,
    ])
  return {
    ...options,
    storeOf: typeof store === 'function' ? (tenant) => requireStore(store(tenant)) : () => store,
    idParameter,
    tenantName,
    versionHeader,
    vary: tenantName.in === 'header' ? `${tenantName.name}, ${versionHeader}` : versionHeader,
    versions: filled,
    defaultVersion: chosen,
    tickets: options.tickets && { ...options.tickets, page: options.tickets.page ?? refusalPage },
    limits: checkCosts(fillLimits(limits, tenancy.mode)),
    delivery: fillDelivery(delivery),
    now: options.now ?? Date.now,
  }
}

const fillTenantName = <T extends Tenant>(tenancy: MultiTenancy<T> | SingleTenancy<T>): TenantNameRules => ({
  in: tenancy.parameter === undefined ? 'header' : 'path',
  name: tenancy.parameter ?? tenancy.header ?? 'X-Org-Name',
  pattern: (tenancy.mode === 'multi' && tenancy.namePattern) || defaultNamePattern,
})

/** Refuses options that use one header or route parameter for two things. */
function checkNames<T extends Tenant>(
  { header, parameter }: MultiTenancy<T> | SingleTenancy<T>,
  tenantName: TenantNameRules,
  idParameter: string,
  versionHeader: string,
): void {
  const faults: string[] = []
  if (header !== undefined && parameter !== undefined)
    faults.push(`tenancy.parameter: must be absent where tenancy.header is given; got '${parameter}'`)
  if (parameter === idParameter)
    faults.push(`tenancy.parameter: must be another one than idParameter; got '${parameter}'`)
  if (tenantName.in === 'header' && tenantName.name.toLowerCase() === versionHeader.toLowerCase())
    faults.push(`versionHeader: must be another one than tenancy.header; got '${versionHeader}'`)
  if (faults.length > 0) throw wrongOptions('createExportHandler', faults)
}

// Each default uses `??`, because an option that is given as `undefined` counts as absent.
const fillLimits = <T extends Tenant>(
  { concurrent, cost, ...limits }: Limits<T>,
  tenancy: 'multi' | 'single',
): FilledLimits<T> => ({
  ...limits,
  perPrincipal: limits.perPrincipal ?? { capacity: 60, refill: 1, perMs: 1_000 },
  // Limits must nest, so the default is lowered to a smaller limit of the host.
  concurrent: {
    ...concurrent,
    perPrincipal:
      concurrent?.perPrincipal ?? Math.min(16, concurrent?.perTenant ?? 16, concurrent?.total ?? 16),
  },
  poolShares: {
    principals: concurrent?.perPrincipal === undefined,
    tenants: tenancy === 'multi' && concurrent?.perTenant === undefined,
  },
  cost: { download: cost?.download ?? 1, range: cost?.range ?? 1, head: cost?.head ?? 1 },
  legacyFields: limits.legacyFields ?? false,
  limiter: limits.limiter ?? createMemoryLimiter(),
})

const fillDelivery = (delivery: DeliveryOptions): FilledDelivery => ({
  firstByteMs: delivery.firstByteMs ?? 15_000,
  storeSilenceMs: delivery.storeSilenceMs ?? 15_000,
  slowestStore: delivery.slowestStore ?? { bytes: 61_440, perMs: 60_000 },
  resume: { attempts: delivery.resume?.attempts ?? Infinity, withinMs: delivery.resume?.withinMs ?? 60_000 },
  slowestClient: delivery.slowestClient ?? { bytes: 122_880, perMs: 120_000 },
  lifetimeMs: delivery.lifetimeMs ?? 86_400_000,
  multipleRanges: delivery.multipleRanges ?? false,
  ...(delivery.bytesPerSecond !== undefined && { bytesPerSecond: delivery.bytesPerSecond }),
})

/** Checks the result of the host's `store` function. */
function requireStore(store: ExportStore): ExportStore {
  const given: Partial<ExportStore> | null | undefined = store
  if (typeof given?.head === 'function' && typeof given.get === 'function') return store
  throw new TypeError(`store: the function must return a store with head() and get(); got ${kindOf(store)}`)
}

/** Refuses a cost above the capacity of a quota, because such a request would never be admitted. */
function checkCosts<T extends Tenant>(limits: FilledLimits<T>): FilledLimits<T> {
  const { perPrincipal, perTenant, cost } = limits
  const quotas = [perPrincipal, perTenant].filter((quota) => typeof quota === 'object')
  const dearest = Math.max(cost.download, cost.range, cost.head)
  const smallest = Math.min(...quotas.map(({ capacity }) => capacity))
  if (dearest <= smallest) return limits
  throw wrongOptions('createExportHandler', [
    `limits.cost: must be at most ${smallest}, the smallest capacity; got ${dearest}`,
  ])
}

const knownMediaTypes = {
  jsonl: 'application/jsonl',
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  'jsonl.gz': 'application/gzip',
  'csv.gz': 'application/gzip',
  'json.gz': 'application/gzip',
}

function fillVersion(
  name: string,
  { errors, mediaTypes, deprecated, sunset, links }: VersionOptions,
  versionHeader: string,
): Version {
  const headers: Record<string, string> = { [versionHeader]: name }
  if (deprecated) headers['Deprecation'] = formatDeprecation(deprecated)
  if (sunset) headers['Sunset'] = formatSunset(sunset)
  if (links && Object.keys(links).length > 0) headers['Link'] = formatLinks(links)
  return {
    name,
    errors: errors ?? problemDetails(),
    mediaTypes: { ...knownMediaTypes, ...mediaTypes },
    sunset,
    headers,
  }
}
