import type { ExportQuery, Tenant } from '../ports.ts'

/** A query whose ids the compiler does not know as asked for yet. */
type Plain<T extends Tenant> = Omit<ExportQuery<T>, 'exportId' | 'tenant'> & {
  readonly exportId: string
  readonly tenant: T
}

/** Types the ids of a query as asked for. Nothing changes at run time. */
export function asQuery<T extends Tenant>(query: Plain<T>): ExportQuery<T>
export function asQuery(query: unknown): unknown {
  return query
}
