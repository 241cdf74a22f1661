import type { ExportEvent, ExportHandler } from '@sallyport/core'

/** What `/readyz` says. */
export interface Health {
  readonly ready: boolean
  readonly draining: boolean
  readonly keys: 'ok' | 'missing'
  readonly store: 'ok' | 'troubled'
  readonly limiter: 'ok' | 'troubled'
}

const RECENT_MS = 60_000

/** Watches a service's events. Troubles with its dependencies are shown for a minute. */
export function watchHealth(): {
  readonly note: (event: ExportEvent) => void
  /**
   * Ready are those that have keys to verify tokens and do not drain. An outage of the store does not count, because it would take
   * every replica out at once.
   *
   * @param handler - is asked until it has keys
   */
  readonly report: (handler: ExportHandler, draining: boolean) => Promise<Health>
} {
  const troubledAt = new Map<string, number>()
  let hasKeys = false

  const stateOf = (...ports: readonly string[]): 'ok' | 'troubled' =>
    ports.some((name) => performance.now() - (troubledAt.get(name) ?? -Infinity) < RECENT_MS)
      ? 'troubled'
      : 'ok'

  return {
    note(event) {
      if (event.type === 'trouble') troubledAt.set(event.port, performance.now())
    },
    async report(handler, draining) {
      if (!draining && !hasKeys) hasKeys = await canVerify(handler)
      return {
        ready: !draining && hasKeys,
        draining,
        keys: hasKeys ? 'ok' : 'missing',
        store: stateOf('store', 'catalogue', 'tenants'),
        limiter: stateOf('limiter'),
      }
    },
  }
}

const canVerify = (handler: ExportHandler): Promise<boolean> =>
  handler.ready(AbortSignal.timeout(10_000)).then(
    () => true,
    () => false,
  )
