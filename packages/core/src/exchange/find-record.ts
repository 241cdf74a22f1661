import type { ExportQuery, FindExport, ReadyRecord } from '../catalogue.ts'
import type { Tenant } from '../ports.ts'
import { checkRecord } from '../steps/check-record.ts'
import type { Exchange } from './exchange.ts'
import { reportUnknownMembers } from './host-mistakes.ts'

/** An {@link ExportQuery} whose ids do not have the type `AskedId` yet. */
type Lookup<T extends Tenant> = Omit<ExportQuery<T>, 'exportId' | 'tenant'> & {
  readonly exportId: string
  readonly tenant: T
}

interface Catalogue<T extends Tenant> {
  readonly findExport: FindExport<T>
  readonly idPattern?: RegExp | undefined
  readonly now: () => number
}

/** Finds the record of the export in the catalogue, and checks it. Refuses if there is none, or if it is not ready. */
export async function findRecord<T extends Tenant>(
  lookup: Lookup<T>,
  { findExport, idPattern, now }: Catalogue<T>,
  exchange: Exchange,
): Promise<ReadyRecord> {
  const query = asQuery(lookup)
  const record = await exchange.callPort('catalogue', (signal) => findExport(query, signal))
  reportUnknownMembers(record, exchange)
  return checkRecord(record, query, now(), idPattern)
}

/** Gives the ids the type `AskedId`, so that the compiler refuses them in a record. Returns the same object. */
function asQuery<T extends Tenant>(lookup: Lookup<T>): ExportQuery<T>
function asQuery(lookup: unknown): unknown {
  return lookup
}
