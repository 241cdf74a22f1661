import type { ExportQuery, FindExport, ReadyRecord } from '../catalogue.ts'
import type { Tenant } from '../ports.ts'
import { checkRecord } from '../steps/check-record.ts'
import type { Exchange } from './exchange.ts'
import { reportUnknownMembers } from './host-mistakes.ts'

/** A query whose ids the compiler does not know as asked for yet. */
type Lookup<T extends Tenant> = Omit<ExportQuery<T>, 'exportId' | 'tenant'> & {
  readonly exportId: string
  readonly tenant: T
}

interface Catalogue<T extends Tenant> {
  readonly findExport: FindExport<T>
  readonly idPattern?: RegExp | undefined
  readonly now: () => number
}

/** Asks the catalogue for the export, and checks what it answers. Refuses everything but a record that is ready. */
export async function findRecord<T extends Tenant>(
  lookup: Lookup<T>,
  { findExport, idPattern, now }: Catalogue<T>,
  exchange: Exchange,
): Promise<ReadyRecord> {
  const query = asQuery(lookup)
  const record = await exchange.ask('catalogue', (signal) => findExport(query, signal))
  reportUnknownMembers(record, exchange)
  return checkRecord(record, query, now(), idPattern)
}

/** Types the ids as asked for, so that the compiler refuses them in a record. Nothing changes at run time. */
function asQuery<T extends Tenant>(lookup: Lookup<T>): ExportQuery<T>
function asQuery(lookup: unknown): unknown {
  return lookup
}
