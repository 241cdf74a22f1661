/** A request as it is to be sent: names and values in this order, in this case. */
export interface WireRequest {
  readonly method: string
  /** The request target. */
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** An answer as it came. */
export interface WireAnswer {
  readonly status: number
  /** Names and values in their order; on HTTP/2 the names are lower-case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

/** What came of a body that was not to come whole. */
interface CutAnswer {
  readonly status: number
  readonly promised: number
  readonly received: number
  /** How the client learnt of it: the name of the error; `'end'`: there was none. */
  readonly how: string
}

/** One client, over one connection. */
export interface WireClient {
  readonly ask: (request: WireRequest) => Promise<WireAnswer>
  /** Asks, and resolves when the exchange has ended, however it did. */
  readonly askCut: (request: WireRequest) => Promise<CutAnswer>
  /** Asks, and does not wait. What it returns gives this request up. */
  readonly begin: (request: WireRequest) => () => void
  /** Asks, and resolves when the first bytes of a body have come; more are not read. */
  readonly beginBody: (request: WireRequest) => Promise<() => void>
  readonly close: () => void
}

/** The value of a field that stands once. */
export const valueOf = ({ headers }: Pick<WireAnswer, 'headers'>, wanted: string): string | undefined =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
