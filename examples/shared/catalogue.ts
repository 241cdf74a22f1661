import type { ExportRecord, Tenant } from '@sallyport/core'

import { openDatabase, type Row } from './database.ts'
import type { Settings } from './environment.ts'
import type { StoreOf } from './stores.ts'

/** The organizations and exports that a service knows. */
export interface Catalogue {
  /** The organization of exactly this name. `undefined`: there is none. */
  findTenant(name: string, signal: AbortSignal): Promise<Tenant | undefined>
  /** The organization's export of this id. `undefined`: there is none. */
  findExport(
    query: { readonly exportId: string; readonly tenant: Tenant },
    signal: AbortSignal,
  ): Promise<ExportRecord | undefined>
}

/**
 * Opens the SQLite file of `CATALOGUE`, or takes the objects' own names for a catalogue where there is no such file.
 *
 * @param formats - those that an object may have where there is no SQLite file, in the order in which they are tried
 */
export async function openCatalogue(
  { catalogue }: Pick<Settings, 'catalogue'>,
  storeOf: StoreOf,
  formats: readonly string[],
): Promise<Catalogue> {
  if (catalogue === undefined) return layoutCatalogue(storeOf, formats)
  try {
    return sqliteCatalogue(await openDatabase(catalogue))
  } catch {
    console.error('CATALOGUE: write the path of a SQLite file with the tables organizations and exports')
    return process.exit(1)
  }
}

/** What `TENANCY` asks for: many organizations, or one whose row is found at the start. */
export async function openTenancy(
  { onlyTenant }: Pick<Settings, 'onlyTenant'>,
  catalogue: Catalogue,
): Promise<
  | {
      readonly mode: 'multi'
      readonly findTenant: (
        name: string,
        principal: unknown,
        signal: AbortSignal,
      ) => Promise<Tenant | undefined>
    }
  | { readonly mode: 'single'; readonly tenant: Tenant }
> {
  if (onlyTenant === undefined)
    return { mode: 'multi', findTenant: (name, _principal, signal) => catalogue.findTenant(name, signal) }
  const tenant = await catalogue.findTenant(onlyTenant, AbortSignal.timeout(10_000)).catch(() => undefined)
  if (tenant) return { mode: 'single', tenant }
  console.error('TENANCY: the catalogue has no organization of this name')
  return process.exit(1)
}

/** In the place of your database. */
function sqliteCatalogue(ask: Awaited<ReturnType<typeof openDatabase>>): Catalogue {
  return {
    async findTenant(name, signal) {
      const row = await ask('organization', [name], signal)
      return row && { id: text(row['id']), name: text(row['name']) }
    },
    async findExport({ exportId, tenant }, signal) {
      const row = await ask('export', [tenant.id, exportId], signal)
      return row && recordOf(row)
    },
  }
}

/**
 * A record of a row. Its `id` and `tenantId` are those of the row that the database found, never those that were asked for: the
 * handler compares the two, so that a query that lost its `WHERE` is a 404.
 */
function recordOf(row: Row): ExportRecord {
  const { state, filename, size, validator, sha256, expires_at: expires } = row
  return {
    id: text(row['id']),
    tenantId: text(row['tenant_id']),
    key: text(row['key']),
    format: text(row['format']),
    state: state === 'ready' || state === 'pending' ? state : 'failed',
    ...(typeof filename === 'string' && { filename }),
    // An instant that cannot be read is an invalid Date, which the handler refuses.
    ...(expires !== null && { expiresAt: new Date(typeof expires === 'number' ? expires : text(expires)) }),
    object: {
      ...(typeof size === 'number' && { size }),
      ...(typeof validator === 'string' && { validator }),
      ...(typeof sha256 === 'string' && { sha256 }),
    },
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/**
 * The objects are the catalogue: an export is there if an object of its name is. There is no row whose ids could differ from
 * those that were asked for. The tenants are kept apart by the store, which reaches nothing outside the organization's place.
 *
 * An organization is there if a token names it, because looking for its folder would be one more wait for the disk, outside of
 * the store's bound on the threads that it takes.
 */
const layoutCatalogue = (storeOf: StoreOf, formats: readonly string[]): Catalogue => ({
  findTenant: async (name) => ({ id: name, name }),
  async findExport({ exportId, tenant }, signal) {
    for (const format of formats) {
      const key = `${exportId}.${format}`
      const object = await storeOf(tenant).head(key, signal)
      if (object) return { id: key.slice(0, 36), tenantId: tenant.name, key, format, state: 'ready', object }
    }
    return undefined
  },
})
