import type { Equipment } from '@sallyport/example-shared/development'
import { startDevelopment as start } from '@sallyport/example-shared/development'
import type { Development, Settings } from '@sallyport/example-shared/environment'

import { seedExports } from './seed.ts'

/** What this service runs on without an identity provider or exports of its own. */
export const startDevelopment = (environment: Development & Settings): Promise<Equipment> =>
  start(environment, {
    scope: 'exports:download',
    saveAs: 'export.jsonl',
    path: (id) => `/api/audit-logs/export/${id}/download`,
    seed: seedExports,
  })
