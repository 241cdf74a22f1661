import { commonAnswers } from '@sallyport/example-shared/check-answers'
import { lifeOf } from '@sallyport/example-shared/check-life'
import { logChecks } from '@sallyport/example-shared/check-log'
import { metricsChecks } from '@sallyport/example-shared/check-metrics'
import { describedAnswers } from '@sallyport/example-shared/check-openapi'
import { runChecks } from '@sallyport/example-shared/run-checks'

import { answers } from './check-answers.ts'
import { cluster } from './check-cluster.ts'
import { contract } from './check-contract.ts'

process.chdir(import.meta.dirname)
const life = lifeOf({
  sample: { format: 'jsonl', content: '{"event":1}\n' },
  path: (id) => `/api/audit-logs/export/${id}/download`,
  unavailable: { detail: 'Service Unavailable' },
})
await runChecks(
  [...commonAnswers, ...answers, contract, describedAnswers],
  [...life, ...logChecks, ...metricsChecks, ...cluster],
)
