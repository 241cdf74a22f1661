/** A request to send. Field names keep their order and case. */
export interface WireRequest {
  readonly method: string
  /** The request target. */
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** A response as received. */
export interface WireAnswer {
  readonly status: number
  /** Names and values in their order; on HTTP/2 the names are lower-case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

/** A response whose body was cut. */
interface CutAnswer {
  readonly status: number
  readonly promised: number
  readonly received: number
  /** The name of the error that the client saw. `'end'`: it saw none. */
  readonly how: string
}

/** A client with one connection. */
export interface WireClient {
  /** Sends a request and reads the response. */
  readonly ask: (request: WireRequest) => Promise<WireAnswer>
  /** Sends a request, and resolves when the exchange has ended, also if it was cut. */
  readonly askCut: (request: WireRequest) => Promise<CutAnswer>
  /** Sends a request without waiting. Returns a function that aborts it. */
  readonly begin: (request: WireRequest) => () => void
  /** Sends a request, and resolves when the first bytes of the body have come. Reads no more. Resolves with a function that aborts it. */
  readonly beginBody: (request: WireRequest) => Promise<() => void>
  readonly close: () => void
}

/** The value of a field that occurs once. */
export const valueOf = ({ headers }: Pick<WireAnswer, 'headers'>, wanted: string): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
