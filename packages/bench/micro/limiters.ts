import { createMemoryLimiter } from '@sallyport/core'
import { RateLimiterMemory } from 'rate-limiter-flexible'

import { admissionAsk, bytesAsk } from '../../core/src/steps/admit.ts'
import type { Subject } from './measure.ts'
import { type MicroScene, quota } from './scene.ts'

const users = 10_000

/** One admission: for one user, and for many users in turn. */
export function limiterSubjects({ principal, tenant }: MicroScene): readonly Subject[] {
  const ours = createMemoryLimiter()
  const theirs = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 1 })
  const { signal } = new AbortController()
  const principals = Array.from({ length: users }, (_, index) => ({ ...principal, subject: `user-${index}` }))
  const rules = { perPrincipal: quota, concurrent: { perPrincipal: 16 } }
  const asks = principals.map((one) => Object.assign(admissionAsk(one, tenant, rules, 1), { slots: [] }))
  const withSlot = admissionAsk(principal, tenant, rules, 1)
  const [first = withSlot] = asks
  const budget = { capacity: 1e15, refill: 1e12, perMs: 1_000 }
  const download = bytesAsk(principal, tenant, { perPrincipal: budget }, 4_096)
  let turn = 0
  const next = (): number => (turn = (turn + 1) % users)
  return [
    { title: 'limiter: a quota', call: () => ours.admit(first, signal) },
    { title: 'limiter: a quota, 10,000 users', call: () => ours.admit(asks[next()] ?? first, signal) },
    {
      title: 'limiter: a quota and a slot, given back',
      call: async () => {
        const admission = await ours.admit(withSlot, signal)
        if (admission.admitted) admission.release()
      },
    },
    { title: 'limiter: the budget of a download', call: () => ours.admit(download, signal) },
    {
      title: 'limiter: the budget of a download, half given back',
      call: async () => {
        const admission = await ours.admit(download, signal)
        if (admission.admitted) admission.refund(2_048)
      },
    },
    { title: 'rate-limiter-flexible: a quota', call: () => theirs.consume('user-0') },
    { title: 'rate-limiter-flexible: a quota, 10,000 users', call: () => theirs.consume(`user-${next()}`) },
  ]
}
