import type { Answer, Exchange, ProbeName } from './exchange.ts'
import type { Known } from './known.ts'
import type { Settings } from './settings.ts'

/**
 * - `pass`: right
 * - `warn`: allowed, and some clients suffer
 * - `fail`: wrong
 * - `skip`: not judged; the detail says why
 */
export type Verdict = 'pass' | 'warn' | 'fail' | 'skip'

/** What a check found. */
export interface Finding {
  readonly verdict: Verdict
  /** What was seen, in one sentence. */
  readonly detail: string
}

/** Everything that a check may judge by: it was recorded before. */
export interface Evidence extends Known {
  readonly settings: Pick<Settings, 'url' | 'profile' | 'credentials' | 'expectSha256'>
  readonly exchanges: readonly Exchange[]
  /** Responses with 429 and 503. */
  readonly limited: readonly Answer[]
  /** The first response: a GET of the export, with status 200. */
  readonly get: Answer
  /** The response to another probe, if there is one. */
  readonly answer: (name: ProbeName) => Answer | undefined
}

/** One rule. */
export interface Check {
  /** The group and a name: `ranges.suffix`. It never changes. */
  readonly id: string
  /** The rule, as a statement about the endpoint. */
  readonly title: string
  /** Where it is written. */
  readonly reference: string
  /** What a client does if the rule is broken. */
  readonly consequence: string
  /** Whether the rule is a promise of Sallyport and not of a standard. */
  readonly isOurs?: boolean
  /** Checks whose failure explains a failure of this one. It is skipped if one of them fails. */
  readonly after?: readonly string[]
  /** The probe that it judges. If it has no response, the check is skipped. Default: `get`. */
  readonly probe?: ProbeName
  /** Pure: looks at the response of its probe and at what else was recorded. */
  readonly judge: (answer: Answer, evidence: Evidence) => Finding
}

/** The rule is kept. */
export const pass = (detail: string): Finding => ({ verdict: 'pass', detail })

/** The rule is kept, but some clients suffer. */
export const warn = (detail: string): Finding => ({ verdict: 'warn', detail })

/** The rule is broken. */
export const fail = (detail: string): Finding => ({ verdict: 'fail', detail })

/** The rule does not apply. */
export const skip = (detail: string): Finding => ({ verdict: 'skip', detail })

/** Passes if a condition holds. */
export const must = (holds: boolean, right: string, wrong: string): Finding =>
  holds ? pass(right) : fail(wrong)
