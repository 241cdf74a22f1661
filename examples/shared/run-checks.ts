import assert from 'node:assert/strict'

import type { Check, Service } from './check-service.ts'
import { start } from './check-service.ts'

/** Starts the service as a process of its own and uses it as a caller would. Sets the exit status 1 where a check fails. */
export async function runChecks(
  answers: readonly Check<Service>[],
  others: readonly Check<void>[],
): Promise<void> {
  const service = await start()
  const checks: Check<void>[] = [
    ...answers.map(({ run, ...about }) => ({ ...about, run: () => run(service) })),
    { title: 'SIGTERM ends an idle service with 0', run: async () => assert.equal(await service.end(), 0) },
    ...others,
  ]
  let failed = 0
  let skipped = 0
  for (const { title, skipped: why, run } of checks) {
    if (why !== undefined) {
      skipped += 1
      console.log(`SKIPPED ${title}: ${why}`)
      continue
    }
    try {
      await run()
      console.log(`ok      ${title}`)
    } catch (error) {
      failed += 1
      console.log(`FAILED  ${title}\n`, error)
    }
  }
  console.log(`${checks.length - failed - skipped} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
}
