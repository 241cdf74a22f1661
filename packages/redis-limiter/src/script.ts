import { hash } from 'node:crypto'

/** A command: its name, then its arguments. */
export type Command = readonly [string, ...string[]]

/** Sends a command to the node that has the key. */
export type Send = (command: Command, key: string) => Promise<unknown>

/** What a script works on: keys of one hash tag, at least one. */
export interface Run {
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

/**
 * Runs a script by its hash, and by its text on a node that does not know it: a new, restarted or flushed one. The text
 * is not sent for a caller who waits no more.
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
