/** Sends a request, as the global `fetch` does. */
export type Fetch = typeof fetch

/** A request for a JSON document. */
export interface JsonRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** The longest body that is accepted, in bytes after decompression. */
  readonly maxBytes: number
}

/** The JSON value of a response, and the length of its body in bytes. */
export interface JsonAnswer {
  readonly value: unknown
  readonly bytes: number
}

/**
 * Sends a request and reads its response as JSON.
 *
 * @param send - sends the request. The default is the global `fetch`
 * @throws Error if the status is not 200 (redirects are not followed), or if the body is too long, not UTF-8 or not JSON
 */
export async function fetchJson(
  request: JsonRequest,
  signal: AbortSignal,
  send: Fetch = fetch,
): Promise<JsonAnswer> {
  const { url, method, headers, body, maxBytes } = request
  // Redirects are not followed, because only the configured address is trusted.
  const response = await send(url, {
    method,
    headers,
    signal,
    redirect: 'manual',
    ...(body !== undefined && { body }),
  }).catch((cause: unknown) => {
    signal.throwIfAborted()
    // The message of `fetch` ("fetch failed") names neither the address nor the reason.
    throw new Error(`no answer from ${new URL(url).origin}: ${reasonOf(cause)}`, { cause })
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the answer has status ${response.status}, not 200`)
  }
  const bytes = await readAtMost(maxBytes, response.body)
  const value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  return { value, bytes: bytes.length }
}

/** The code of the error behind a failed `fetch`, such as ECONNREFUSED. If there is none, its message. */
function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error('it failed')
  return cause instanceof Error && 'code' in cause ? String(cause.code) : message
}

async function readAtMost(maxBytes: number, body: AsyncIterable<Uint8Array> | null): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body ?? []) {
    length += chunk.length
    if (length > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`) // also ends the transfer
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Replaces the parser's error, because it quotes the text, which may contain personal data. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the answer is no JSON')
  }
}

/** Whether a JSON value is an object and not an array. */
export const isJsonObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
