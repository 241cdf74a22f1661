/** What to check, and how politely. */
export interface CheckOptions {
  /**
   * Which rules count. `sallyport` (default): the standards and the promises of a Sallyport endpoint. `generic`: the standards
   * only, for any download endpoint.
   */
  readonly profile?: Profile | undefined
  /** A bearer token, sent as `Authorization: Bearer …`. It appears in no output. */
  readonly token?: string | undefined
  /** Further header fields of every request, such as `{ 'X-Org-Name': 'acme' }`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** An export of another tenant, on the same origin. It must read like a missing one. Absent: not compared. */
  readonly foreignUrl?: string | URL | undefined
  /** Another export of the same tenant, on the same origin. Its ETag must differ. Absent: not compared. */
  readonly secondUrl?: string | URL | undefined
  /** The SHA-256 of the whole export in hex. Compared if the body is read to its end. */
  readonly expectSha256?: string | undefined
  /** Whether to download the whole export and to check its length and digests. Its bytes do not count towards `maxBytes`. Default: `false`; `true` with `expectSha256`. */
  readonly full?: boolean | undefined
  /** Most requests, repeated ones included. Default: 60. */
  readonly maxRequests?: number | undefined
  /** Most bytes of bodies to read. Default: 8 MiB (8,388,608). */
  readonly maxBytes?: number | undefined
  /** Milliseconds to wait for `Retry-After` in all. Default: 120,000 (2 minutes). */
  readonly maxWaitMs?: number | undefined
  /** Milliseconds until a response must begin, and between two parts of a body. Default: 30,000. */
  readonly timeoutMs?: number | undefined
  /** The protocol of the requests. `https:` only; the groups still compare it with the other one. Default: `http/1.1`. */
  readonly protocol?: 'http/1.1' | 'h2' | undefined
  /** Certificates to trust in place of the system's, in PEM. */
  readonly ca?: string | undefined
  /** Ends the check. */
  readonly signal?: AbortSignal | undefined
  /** Called with the progress of the whole download: bytes so far, and bytes in all if known. */
  readonly onProgress?: ((bytes: number, total: number | undefined) => void) | undefined
}

/** Which rules count. */
export type Profile = 'sallyport' | 'generic'
