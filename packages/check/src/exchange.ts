/** The requests of a check, in the order in which they are sent. `probes.ts` says what each one asks. */
export type ProbeName =
  | 'get'
  | 'head'
  | 'firstRange'
  | 'again'
  | 'middleRange'
  | 'suffixRange'
  | 'openRange'
  | 'pastEndRange'
  | 'beyondRange'
  | 'unknownUnit'
  | 'malformedRange'
  | 'severalRanges'
  | 'headRange'
  | 'ifRangeSame'
  | 'ifRangeOther'
  | 'ifRangeWeak'
  | 'ifRangeOldDate'
  | 'ifNoneMatchSame'
  | 'ifNoneMatchOther'
  | 'ifNoneMatchFirst'
  | 'ifMatchSame'
  | 'ifMatchOther'
  | 'ifModifiedSince'
  | 'ifUnmodifiedSince'
  | 'gzip'
  | 'gzipRange'
  | 'noCredentials'
  | 'wrongCredentials'
  | 'tamperedToken'
  | 'longToken'
  | 'missing'
  | 'foreign'
  | 'second'
  | 'options'
  | 'propfind'
  | 'otherProtocol'
  | 'otherProtocolRange'
  | 'whole'

/** The protocol that a request was sent with. */
export type Protocol = 'HTTP/1.1' | 'HTTP/2'

/** Header fields by lowercase name; a field that came several times has several values. */
export type Fields = ReadonlyMap<string, readonly string[]>

/** A response as it was recorded. */
export interface Answer {
  readonly probe: ProbeName
  readonly protocol: Protocol
  readonly status: number
  readonly fields: Fields
  /** The first bytes of the body, at most as many as the probe keeps. */
  readonly body: Uint8Array
  /** The last bytes of the body, at most 100. */
  readonly tail: Uint8Array
  /** How many bytes of the body were read. */
  readonly bytes: number
  /** `complete`: the body ended as its framing says. `stopped`: the check had enough. `broken`: the connection ended before. */
  readonly end: 'complete' | 'stopped' | 'broken'
  /** Milliseconds from the request to the first byte of the body, or to the header section if there is no body. */
  readonly firstByteMs: number
  /** Of all bytes, in hex, if the body was read to its end. */
  readonly sha256?: string
}

/** A probe without a response, and why. */
interface Unanswered {
  readonly probe: ProbeName
  /**
   * - `not_asked`: the request makes no sense for this endpoint, or the limits of the check are used up
   * - `no_answer`: the request was sent and no response came
   * - `limited`: the endpoint answered 429 or 503 until the check stopped waiting
   */
  readonly outcome: 'not_asked' | 'no_answer' | 'limited'
  readonly reason: string
}

/** What became of a probe. */
export type Exchange = Answer | Unanswered

/** Whether a response was recorded. */
export const isAnswer = (exchange: Exchange | undefined): exchange is Answer =>
  exchange !== undefined && 'status' in exchange

/** Whether the last two requests got only 429 or 503, so that it makes no sense to send more. */
export function isLimitedThroughout(exchanges: readonly Exchange[]): boolean {
  const asked = exchanges.filter((one) => isAnswer(one) || one.outcome !== 'not_asked')
  return asked.length > 1 && asked.slice(-2).every((one) => !isAnswer(one) && one.outcome === 'limited')
}

/** The value of a header field; several values are joined by a comma (RFC 9110 §5.2). */
export const field = ({ fields }: Pick<Answer, 'fields'>, name: string): string | undefined =>
  fields.get(name)?.join(', ')
