import type { ObjectInfo, Principal, Tenant } from './ports.ts'

declare const asked: unique symbol

/**
 * An id of the query. It is a string, but the compiler refuses it as the `id` or `tenantId` of an {@link ExportRecord},
 * because those must be read from the row that was found. A test double without rows uses `String(exportId)`.
 */
export type AskedId = string & { readonly [asked]: true }

/** An id from a row that was found: any string that is not typed as {@link AskedId}. */
export type FoundId = string & { readonly [asked]?: never }

/** The query for one export. */
export interface ExportQuery<T extends Tenant> {
  /** The requested export. A UUID in lower case. With `idPattern`: as the client sent it. */
  readonly exportId: AskedId
  /** The organization of the request. The export must belong to it. */
  readonly tenant: T & { readonly id: AskedId }
  /** The caller. */
  readonly principal: Principal
  /** The name of the API version that answers. */
  readonly version: string
}

/**
 * Finds the record of an export by tenant and id together. Returns `undefined` or `null` both for a missing export and for an
 * export of another tenant. May refuse with `refuse('scope_missing')`. The caller gets 503 for any other rejection.
 */
export type FindExport<T extends Tenant> = (
  query: ExportQuery<T>,
  signal: AbortSignal,
) => Promise<ExportRecord | null | undefined>

/**
 * The record of one export in the host's catalogue. `null` means the same as `undefined` in every member that may be absent.
 * A member that is not listed here is ignored and reported once as the trouble `record_unknown_member`.
 */
export interface ExportRecord {
  /**
   * The id in the row. It must be the requested id; for a UUID, upper and lower case are equal. Otherwise the caller gets 404
   * and a `trouble` is reported, before the store is called. Do not copy the id from the query: it would always match, also
   * when the query lost its `WHERE` and found the export of another tenant. The compiler refuses the query's id here.
   */
  readonly id: FoundId
  /** The tenant's id in the row. It must be the `id` of the query's tenant, and is checked in the same way. */
  readonly tenantId: FoundId
  /** The key of the object in the store. */
  readonly key: string
  /**
   * The file's extensions, such as `'jsonl'`, `'csv'`, `'json'`, `'jsonl.gz'` or `'csv.gz.gpg'`: one to three, of ASCII letters
   * and digits. `mediaTypes` maps it to the Content-Type. It is looked up there as written, then in lower case.
   */
  readonly format: string
  /** Whether the export can be downloaded. A pending and a failed export are 404. */
  readonly state: 'ready' | 'pending' | 'failed'
  /** When the export expires. From then on it is 404. Absent: never. */
  readonly expiresAt?: Date | null | undefined
  /**
   * The file name for `Content-Disposition`. Unsafe characters are replaced.
   * @defaultValue `export-<id>.<format>`
   */
  readonly filename?: string | null | undefined
  /**
   * Facts about the object that the catalogue has stored. With both `size` and `validator` the handler does not call `head()`,
   * and an absent `encoding` then means "none". If the store disagrees with any member, the caller gets 502, because an
   * export id names one immutable object. Absent: the store describes the object.
   */
  readonly object?: RecordedObject | null | undefined
}

/** Facts about the object of a record: any members of {@link ObjectInfo}. */
export type RecordedObject = {
  readonly [Member in keyof ObjectInfo]?: ObjectInfo[Member] | null | undefined
}

/** A record that has been checked: it is the record of the requested export, ready, and has no `null` members. */
export interface ReadyRecord {
  readonly id: string
  readonly key: string
  readonly format: string
  readonly filename?: string
  readonly object?: Partial<ObjectInfo>
}
