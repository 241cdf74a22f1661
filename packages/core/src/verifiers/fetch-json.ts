/** Sends a request, as the global `fetch` does. */
export type Fetch = typeof fetch

/** What to ask, and how much answer to take. */
export interface JsonRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Bytes of the decoded body; one more is a fault. */
  readonly maxBytes: number
}

/** The JSON value of an answer, and how many bytes it had. */
export interface JsonAnswer {
  readonly value: unknown
  readonly bytes: number
}

/**
 * Resolves to the JSON value that a 200 answer holds. Any other status, a redirect, too many bytes, and bytes that are no
 * UTF-8 or no JSON are errors.
 *
 * @param send - absent: the global `fetch`
 */
export async function fetchJson(
  request: JsonRequest,
  signal: AbortSignal,
  send: Fetch = fetch,
): Promise<JsonAnswer> {
  const { url, method, headers, body, maxBytes } = request
  // A redirect is never followed: only the configured address is trusted.
  const response = await send(url, {
    method,
    headers,
    signal,
    redirect: 'manual',
    ...(body !== undefined && { body }),
  }).catch((cause: unknown) => {
    signal.throwIfAborted()
    // "fetch failed" alone names neither the address nor the reason.
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

/** The cause of a failed `fetch` has a code, such as ECONNREFUSED. */
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

/** The parser's own error quotes the text, which may speak of a person. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the answer is no JSON')
  }
}

/** Whether a JSON value is an object, and no array. */
export const isJsonObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
