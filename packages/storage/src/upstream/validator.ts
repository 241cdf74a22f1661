/** Which facts of an object are its validator. */
export type ValidatorKind = 'etag' | 'version' | 'lastModified+size'

/** The facts of an object that its validator consists of. */
export interface Pin {
  /** Strong, with its quotes (RFC 9110 §8.8.3). */
  readonly etag?: string
  readonly version?: string
  /** Last-Modified, as in `2026-02-01T10:00:00Z`. */
  readonly modified?: string
  /** Bytes of the whole. */
  readonly size?: number
}

/** The facts of a response, as far as they can pin an object. */
export interface Facts {
  readonly etag: string | undefined
  readonly version: string | undefined
  readonly lastModified: Date | undefined
}

/** The pin of a response, still without its size. `undefined`: the response lacks what this kind needs. */
export function pinOf({ etag, version, lastModified }: Facts, kind: ValidatorKind): Pin | undefined {
  if (kind === 'version') return version === undefined ? undefined : { version }
  if (kind === 'lastModified+size')
    return lastModified && { modified: `${lastModified.toISOString().slice(0, 19)}Z` }
  if (!isStrong(etag)) return undefined
  return version === undefined ? { etag } : { etag, version }
}

/**
 * `"etag"`, `"etag"@version`, `@version` or `2026-02-01T10:00:00Z/size`: the validator of an object, equal in every process and
 * region.
 */
export function formatValidator({ etag = '', version, modified, size }: Pin): string {
  if (modified !== undefined) return `${modified}/${size}`
  return version === undefined ? etag : `${etag}@${version}`
}

/** Parses a validator of {@link formatValidator}. `undefined`: it is malformed, or of another kind, so no object has it. */
export function parseValidator(validator: string, kind: ValidatorKind = 'etag'): Pin | undefined {
  if (kind === 'lastModified+size') {
    const [, modified, size] = MODIFIED.exec(validator) ?? []
    return modified === undefined ? undefined : { modified, size: Number(size) }
  }
  const [whole, etag, version] = VALIDATOR.exec(validator) ?? []
  if (whole === undefined || whole === '' || (kind === 'version') !== (etag === undefined)) return undefined
  return { ...(etag !== undefined && { etag }), ...(version !== undefined && { version }) }
}

/** Whether a text is one strong entity-tag. Weak ones cannot pin bytes (RFC 9110 §8.8.3.2). */
export const isStrong = (etag: string | undefined): etag is string =>
  etag !== undefined && parseValidator(etag)?.etag === etag

const VALIDATOR = /^("[\x21\x23-\x7e]{1,256}")?(?:@([\x21-\x7e]{1,1024}))?$/
const MODIFIED = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\/(\d{1,15})$/
