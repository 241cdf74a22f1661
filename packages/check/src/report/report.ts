import type { Verdict } from '../check.ts'
import type { Profile } from '../options.ts'

/** One check of a report. */
export interface CheckResult {
  /** `ranges.suffix`: stable, to select results by. */
  readonly id: string
  /** `ranges` */
  readonly group: string
  /** The rule, as a statement about the endpoint. */
  readonly title: string
  /** `pass`: right. `warn`: allowed, and some clients suffer. `fail`: wrong. `skip`: not judged. */
  readonly verdict: Verdict
  /** What was seen, or why the check was skipped. */
  readonly detail: string
  /** Where the rule is written: `RFC 9110 §14.1.2`. */
  readonly reference: string
  /** What a client does if the rule is broken. */
  readonly consequence: string
}

/** What `checkEndpoint` found. `report.schema.json` describes its JSON. No text contains a credential. */
export interface Report {
  /** Changes if a member is removed or changes its meaning. */
  readonly schemaVersion: 1
  /** The URL, without the values of its query. */
  readonly url: string
  /** Which rules counted. */
  readonly profile: Profile
  /** `fail` if a check failed. */
  readonly verdict: 'pass' | 'fail'
  /** When it began, as RFC 3339 says. */
  readonly startedAt: string
  /** How long it took, in milliseconds. */
  readonly durationMs: number
  /** The protocols of the responses: `HTTP/1.1`, `HTTP/2`. */
  readonly protocols: readonly string[]
  /** Requests that were sent. */
  readonly requests: number
  /** Bytes of bodies that were read, without those of `full`. */
  readonly bytes: number
  /** Milliseconds that were waited for `Retry-After`. */
  readonly waitedMs: number
  /** How many checks have each verdict. */
  readonly summary: Readonly<Record<Verdict, number>>
  readonly checks: readonly CheckResult[]
}
