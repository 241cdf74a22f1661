import { refuse } from '@sallyport/core'

/** A classified error of a store's client. It contains no text from the client. */
export interface Fault {
  /** `'missing'`: there is no such object. */
  readonly kind: 'missing' | 'object_changed' | 'unavailable' | 'upstream_error'
  /** The HTTP status. Absent: there was no response. */
  readonly status?: number
  /** An error name from the list of {@link wordFor}, or one of this package's own names. */
  readonly word: string
}

/**
 * Refuses with a new error. It copies nothing from the client's error, whose message and members contain buckets, keys, hosts,
 * accounts, tokens and signatures.
 */
export function refuseFault(
  kind: 'object_changed' | 'unavailable' | 'upstream_error',
  { status, word }: Omit<Fault, 'kind'>,
): never {
  const cause = new Error(
    status === undefined ? `the store gave no answer: ${word}` : `the store answered ${status}: ${word}`,
  )
  return refuse(kind, {
    cause,
    ...(status === undefined && TIMEOUTS.has(word) && { trouble: 'store_silent' }),
  })
}

/** Error names for a store that did not answer in time. */
const TIMEOUTS: ReadonlySet<string> = new Set(['no_answer_in_time', 'ETIMEDOUT'])

/** The first of the names that is on the list of known error names of S3, Azure and Node. `'unknown'`: none is. */
export function wordFor(...names: readonly unknown[]): string {
  for (const name of names) if (typeof name === 'string' && WORDS.has(name)) return name
  return 'unknown'
}

/** Reads the members of a thrown value that identify the error. */
export function membersOf(value: unknown): Readonly<Partial<Record<(typeof MEMBERS)[number], unknown>>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(MEMBERS.map((name) => [name, Reflect.get(value, name) as unknown]))
}

const MEMBERS = [
  'name',
  'code',
  'statusCode',
  'details',
  'errorCode',
  'httpStatusCode',
  'clockSkewCorrected',
  '$metadata',
] as const

const WORDS: ReadonlySet<string> = new Set(
  `AccessDenied AllAccessDisabled ExpiredToken Forbidden InternalError InvalidAccessKeyId InvalidObjectState InvalidRange
   InvalidToken MethodNotAllowed NoSuchBucket NoSuchKey NoSuchVersion NotFound NotImplemented PermanentRedirect
   PreconditionFailed RequestTimeTooSkewed RequestTimeout ServiceUnavailable SignatureDoesNotMatch SlowDown Throttling
   ThrottlingException TooManyRequests TooManyRequestsException CredentialsProviderError
   AuthenticationFailed AuthorizationFailure AuthorizationPermissionMismatch BlobArchived BlobBeingRehydrated BlobNotFound
   ConditionNotMet ContainerBeingDeleted ContainerNotFound InvalidAuthenticationInfo OperationTimedOut ServerBusy
   ECONNREFUSED ECONNRESET EHOSTUNREACH EAI_AGAIN ENETUNREACH ENOTFOUND EPIPE ERR_STREAM_PREMATURE_CLOSE ETIMEDOUT
   CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT ERR_TLS_CERT_ALTNAME_INVALID SELF_SIGNED_CERT_IN_CHAIN
   UNABLE_TO_VERIFY_LEAF_SIGNATURE`.split(/\s+/),
)
