import type { DownloadStarted } from '../events.ts'
import type { Plan } from '../steps/plan-delivery.ts'
import { withDeadline } from '../waiting.ts'
import type { Reporter } from './events.ts'
import { startedEvent } from './events.ts'
import type { Exchange } from './exchange.ts'

const auditMs = 2_000

/**
 * Tells that the first byte is about to leave: the audit is awaited, the event emitted, the first-byte clock stopped.
 * Throws when the audit fails or is silent: what cannot be recorded does not leave.
 */
export async function announce(
  { status, ranges, length }: Plan,
  audit: ((event: DownloadStarted, signal: AbortSignal) => Promise<void>) | undefined,
  { entry, ask, begin }: Exchange,
  report: Reporter,
): Promise<void> {
  const carriesBytes = entry.method === 'GET' && status !== 304
  const begun = { status, ranges: status === 206 ? ranges : [], bytesPromised: carriesBytes ? length : 0 }
  if (carriesBytes) {
    const event = startedEvent({ ...entry, ...begun })
    if (audit)
      await ask('audit', (signal) => withDeadline((own) => audit(event, own), { ms: auditMs, signal }))
    report.started(event)
  }
  Object.assign(entry, begun)
  begin(carriesBytes)
}
