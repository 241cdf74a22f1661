import { inspect } from 'node:util'

import type { ExportEvent } from '@sallyport/core'

import type { Settings } from './environment.ts'

/** Prints one line of JSON for each event. Causes may name paths, buckets and hosts, so they are shown on request only. */
export function logEvent(event: ExportEvent, { logCauses }: Pick<Settings, 'logCauses'>): void {
  const cause = logCauses && 'cause' in event ? { cause: inspect(event.cause) } : {}
  console.log(JSON.stringify({ time: new Date().toISOString(), ...event, ...cause }))
}
