import assert from 'node:assert/strict'

import { answers } from './check-answers.ts'
import { cluster } from './check-cluster.ts'
import { life } from './check-life.ts'
import { start } from './check-service.ts'

// Starts the service as a process of its own and uses it as a caller would. Ends with 1 where anything is not as it
// should be.

const service = await start()
const checks = [
  ...answers.map(({ title, run }) => ({ title, run: () => run(service) })),
  { title: 'SIGTERM ends an idle service with 0', run: async () => assert.equal(await service.end(), 0) },
  ...life,
  ...cluster,
]
let failed = 0
for (const { title, run } of checks) {
  try {
    await run()
    console.log(`ok      ${title}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED  ${title}\n`, error)
  }
}
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
