import type { Check, Evidence, Finding } from './check.ts'
import { skip } from './check.ts'
import { checks } from './checks/checks.ts'
import { isAnswer } from './exchange.ts'

/** A check and what it found. */
export interface Judged {
  readonly check: Check
  readonly finding: Finding
}

/** Judges what was recorded by every check of the profile, in order. Pure. */
export function judge(evidence: Evidence): readonly Judged[] {
  const failed = new Set<string>()
  return checks
    .filter(({ isOurs }) => !isOurs || evidence.settings.profile === 'sallyport')
    .map((check) => {
      const finding = findingOf(check, evidence, failed)
      if (finding.verdict === 'fail') failed.add(check.id)
      return { check, finding }
    })
}

function findingOf(check: Check, evidence: Evidence, failed: ReadonlySet<string>): Finding {
  const cause = check.after?.find((id) => failed.has(id))
  if (cause !== undefined) return skip(`follows from ${cause}`)
  const exchange = evidence.exchanges.find(({ probe }) => probe === (check.probe ?? 'get'))
  if (exchange === undefined) return skip('not asked')
  if (!isAnswer(exchange)) return skip(exchange.reason)
  return check.judge(exchange, evidence)
}
