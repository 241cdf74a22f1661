import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'

import { vi } from 'vitest'

/** All that a process says beside its answers. */
export interface Overheard {
  /** What was said so far, as text. */
  readonly said: () => readonly string[]
  readonly stop: () => void
}

const channels = [
  'console.log',
  'console.info',
  'console.debug',
  'console.warn',
  'console.error',
  'http.server.request.start',
  'http.server.response.created',
  'http.server.response.finish',
  'http2.server.stream.error',
  'net.server.socket',
  'net.client.socket',
  'undici:request:create',
  'undici:request:error',
]
const streams = ['stdout', 'stderr'] as const

/** Listens to the console's streams, to warnings, to rejections that nobody hears, and to what tracing tools listen to. */
export function overhear(): Overheard {
  const said: string[] = []
  const note = (source: string, what: unknown): void =>
    void said.push(`${source}: ${inspect(what, { depth: 2, showHidden: true })}`)
  const heard = (message: unknown, name: string | symbol): void => note(String(name), message)
  const warned = (warning: Error): void => note('warning', warning)
  const unheard = (reason: unknown): void => note('unhandled rejection', reason)
  for (const name of channels) subscribe(name, heard)
  process.on('warning', warned)
  process.on('unhandledRejection', unheard)
  const spies = streams.map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk: string | Uint8Array) => {
      note(name, typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1'))
      return true
    }),
  )
  return {
    said: () => said,
    stop: () => {
      for (const name of channels) unsubscribe(name, heard)
      process.off('warning', warned)
      process.off('unhandledRejection', unheard)
      for (const spy of spies) spy.mockRestore()
    },
  }
}
