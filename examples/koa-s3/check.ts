import { commonAnswers } from '@sallyport/example-shared/check-answers'
import { lifeOf } from '@sallyport/example-shared/check-life'
import { logChecks } from '@sallyport/example-shared/check-log'
import { metricsChecks } from '@sallyport/example-shared/check-metrics'
import { describedAnswers } from '@sallyport/example-shared/check-openapi'
import { runChecks } from '@sallyport/example-shared/run-checks'

import { answers } from './check-answers.ts'
import { contract } from './check-contract.ts'

process.chdir(import.meta.dirname)
const life = lifeOf({
  sample: { format: 'csv', content: 'at,action\r\n' },
  path: (id) => `/user-action-audit-exports/${id}/download`,
  unavailable: {
    code: 'temporarily_unavailable',
    details: { reason: 'service_temporarily_unavailable' },
    message: 'Service is temporarily unavailable.',
  },
})
await runChecks(
  [...commonAnswers, ...answers, contract, describedAnswers],
  [...life, ...logChecks, ...metricsChecks],
)
