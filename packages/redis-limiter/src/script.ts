import { hash } from 'node:crypto'

/** A command: its name, then its arguments. */
export type Command = readonly [string, ...string[]]

/** Sends a command to the node that has the key. */
export type Send = (command: Command, key: string) => Promise<unknown>

/** The keys and arguments of one call of a script. The keys have one hash tag; there is at least one. */
export interface Run {
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/**
 * Runs a script by its hash (EVALSHA). If the node does not know it, because it is new, restarted or flushed, runs it by its text
 * (EVAL), unless the caller has stopped waiting.
 */
export function createScript(
  send: Send,
  text: string,
): (run: Run, isAwaited: () => boolean) => Promise<unknown> {
  const digest = hash('sha1', text)
  return async ({ keys, args }, isAwaited) => {
    const rest = [String(keys.length), ...keys, ...args]
    const key = keys[0] ?? ''
    try {
      return await send(['EVALSHA', digest, ...rest], key)
    } catch (error) {
      if (!isUnknownScript(error) || !isAwaited()) throw error
      return send(['EVAL', text, ...rest], key)
    }
  }
}

const isUnknownScript = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('NOSCRIPT')

/**
 * Whether an error concerns one key and not the server: another program keeps a value of another type under the key. Before Redis
 * 7, the code is inside the message.
 */
export const isWrongType = (error: unknown): boolean =>
  error instanceof Error && /\bWRONGTYPE\b/.test(error.message)
