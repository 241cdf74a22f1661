import type { ObjectInfo, Principal, Tenant } from './ports.ts'

declare const asked: unique symbol

/**
 * An id of the query. It is a string in every use but one: the compiler refuses it as the `id` or `tenantId` of an
 * {@link ExportRecord}, because those must be read from the row that was found. A test double that has no rows writes
 * `String(exportId)`.
 */
export type AskedId = string & { readonly [asked]: true }

/** An id that was found: any string that is not typed as {@link AskedId}. */
export type FoundId = string & { readonly [asked]?: never }

/** What is asked of the catalogue. */
export interface ExportQuery<T extends Tenant> {
  /** A UUID in lower case. With `idPattern`: as it was sent. */
  readonly exportId: AskedId
  readonly tenant: T & { readonly id: AskedId }
  readonly principal: Principal
  readonly version: string
}

/**
 * Looks by tenant and id together: a missing export and another tenant's are both `undefined` or `null`. May say no with
 * `refuse('scope_missing')`; any other throw is 503.
 */
export type FindExport<T extends Tenant> = (
  query: ExportQuery<T>,
  signal: AbortSignal,
) => Promise<ExportRecord | null | undefined>

/**
 * The host's catalogue row for one finished export. `null` is as good as `undefined` wherever a member may be absent. A member
 * that is not listed here is ignored, and reported once as a `trouble` `record_unknown_member`.
 */
export interface ExportRecord {
  /**
   * As the row says. Must be the asked id, in upper or lower case: else 404 and a `trouble` event, before any store is touched. An id that is copied
   * from the query always matches, so that a lost `WHERE` would be a leak: the compiler refuses the query's own.
   */
  readonly id: FoundId
  /** As the row says. Must be the resolved tenant's id, likewise. */
  readonly tenantId: FoundId
  /** Where the store keeps the object. */
  readonly key: string
  /**
   * `'jsonl'`, `'csv'`, `'json'`, `'jsonl.gz'`, `'csv.gz.gpg'` …: the file's extensions, one to three of ASCII letters and
   * digits, and by `mediaTypes` its Content-Type: as it is written there, else in lower case.
   */
  readonly format: string
  readonly state: 'ready' | 'pending' | 'failed'
  /** From this instant the export is expired. Absent: never. */
  readonly expiresAt?: Date | null | undefined
  /**
   * The name to save under; made safe before use.
   * @defaultValue `export-<id>.<format>`
   */
  readonly filename?: string | null | undefined
  /**
   * What the catalogue knows of the object; `size` and `validator` together spare a `head()`, and then no `encoding` means
   * that there is none. A store that disagrees with any part of it: 502, for an export id names one immutable object.
   */
  readonly object?: RecordedObject | null | undefined
}

/** What a record knows of its object: any members of {@link ObjectInfo}. */
export type RecordedObject = {
  readonly [Member in keyof ObjectInfo]?: ObjectInfo[Member] | null | undefined
}

/** A record that has been checked: of the requested export, ready, and without `null`. */
export interface ReadyRecord {
  readonly id: string
  readonly key: string
  readonly format: string
  readonly filename?: string
  readonly object?: Partial<ObjectInfo>
}
