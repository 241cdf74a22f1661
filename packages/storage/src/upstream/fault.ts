import { refuse } from '@sallyport/core'

/** An error of a store's client, in our own words. */
export interface Fault {
  /** `'missing'`: there is no such object. */
  readonly kind: 'missing' | 'object_changed' | 'unavailable' | 'upstream_error'
  /** Absent: there was no answer. */
  readonly status?: number
  /** Only words of {@link wordFor}, or of ours. */
  readonly word: string
}

/**
 * Refuses with a new error that holds nothing of the client's: its errors carry buckets, keys, hosts, accounts, tokens
 * and signatures, in messages and in members alike.
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
    ...(status === undefined && SILENCES.has(word) && { trouble: 'store_silent' }),
  })
}

/** Words for a store that did not answer in time. */
const SILENCES: ReadonlySet<string> = new Set(['no_answer_in_time', 'ETIMEDOUT'])

/** The name that a store or Node gives to a fault, if it is one of these; else `'unknown'`. */
export function wordFor(...names: readonly unknown[]): string {
  for (const name of names) if (typeof name === 'string' && WORDS.has(name)) return name
  return 'unknown'
}

/** The members of anything thrown that say what it is. */
export function membersOf(value: unknown): Readonly<Partial<Record<(typeof MEMBERS)[number], unknown>>> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(MEMBERS.map((name) => [name, Reflect.get(value, name) as unknown]))
}

const MEMBERS = ['name', 'code', 'statusCode', 'details', 'errorCode', 'httpStatusCode', '$metadata'] as const

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
