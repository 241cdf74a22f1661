import type { RequestEnded, Trouble } from '../events.ts'
import { addressPrefixes } from '../http/address-prefix.ts'
import { startTimer } from '../waiting.ts'

/** How many events of one kind about one caller are reported per window. The last one stands for all that were not. */
const PER_WINDOW = 10
const WINDOW_MS = 1000
/** Callers and kinds that are counted in one window. All others count as one caller. */
const MOST_KEYS = 10_000

/** An event of a refused request. */
type RefusalEvent = RequestEnded | Trouble

/** Limits the events of refused requests. */
export interface RefusalLimit {
  /** @param caller - what is known of the caller */
  readonly report: (event: RefusalEvent, caller: Caller) => void
  /** Reports what was held back. */
  readonly flush: () => void
}

type Caller = Pick<RequestEnded, 'principal' | 'address'>

/** The events of one kind about one caller in this window. */
interface Refusals {
  reported: number
  /** The latest event that was not reported. */
  held?: RefusalEvent
  /** How many events before `held` were not reported. */
  suppressed: number
}

/**
 * Reports the first events of a window at once, and one more at its end. That one has in `suppressed` how many others it stands for, so
 * all refusals are counted. Refusals of another kind and troubles of another code are counted on their own. A client that ignores `Retry-After` can send thousands of requests per second, and would otherwise fill
 * the log's disk.
 *
 * A caller is a principal, or if there is none the address: an IPv6 address counts with its whole /56.
 */
export function limitRefusals(tell: (event: RefusalEvent) => void): RefusalLimit {
  const window = new Map<string, Refusals>()
  let timer: NodeJS.Timeout | undefined

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const over = [...window.values()]
    window.clear()
    for (const { held, suppressed } of over)
      if (held) tell(suppressed > 0 ? Object.assign(held, { suppressed }) : held)
  }

  const refusalsOf = (event: RefusalEvent, caller: Caller): Refusals => {
    timer ??= startTimer(flush, WINDOW_MS).unref()
    const about = [event.type, event.type === 'trouble' ? event.code : event.kind]
    const own = JSON.stringify([...about, ...nameOf(caller)])
    const key = window.has(own) || window.size < MOST_KEYS ? own : JSON.stringify(about)
    const refusals = window.get(key) ?? { reported: 0, suppressed: 0 }
    window.set(key, refusals)
    return refusals
  }

  return {
    flush,
    report: (event, caller) => {
      const refusals = refusalsOf(event, caller)
      if (refusals.reported < PER_WINDOW - 1) {
        refusals.reported += 1
        tell(event)
      } else {
        if (refusals.held) refusals.suppressed += 1
        refusals.held = event
      }
    },
  }
}

function nameOf({ principal, address }: Caller): readonly string[] {
  if (principal) return ['principal', principal.issuer, principal.subject]
  return address === undefined ? [] : ['address', addressPrefixes(address)[0]]
}
