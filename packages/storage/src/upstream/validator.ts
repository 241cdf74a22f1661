/** What pins an object in a store of this package: its entity-tag, and its version where the container keeps versions. */
export interface Pin {
  /** Strong, with its quotes (RFC 9110 §8.8.3). */
  readonly etag: string
  readonly version?: string
}

/** `"etag"`, or `"etag"@version`: the validator of an object, equal in every process and region. */
export const formatValidator = ({ etag, version }: Pin): string =>
  version === undefined ? etag : `${etag}@${version}`

/** Reads a validator of {@link formatValidator}; `undefined`: it is none, so no object has it. */
export function parseValidator(validator: string): Pin | undefined {
  const found = VALIDATOR.exec(validator)
  if (found?.[1] === undefined) return undefined
  return found[2] === undefined ? { etag: found[1] } : { etag: found[1], version: found[2] }
}

/** Whether text is one strong entity-tag. Weak ones cannot pin bytes (RFC 9110 §8.8.3.2). */
export const isStrong = (etag: string | undefined): etag is string =>
  etag !== undefined && parseValidator(etag)?.etag === etag

const VALIDATOR = /^("[\x21\x23-\x7e]{1,256}")(?:@([\x21-\x7e]{1,1024}))?$/
