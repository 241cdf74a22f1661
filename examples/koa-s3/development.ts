import type { Equipment } from '@sallyport/example-shared/development'
import { startDevelopment as start } from '@sallyport/example-shared/development'
import type { Development, Settings } from '@sallyport/example-shared/environment'

import { seedExports } from './seed.ts'

/** What this service runs on without an identity provider or exports of its own. */
export const startDevelopment = (environment: Development & Settings): Promise<Equipment> =>
  start(environment, {
    scope: 'audit.read',
    saveAs: 'export.csv',
    path: (id) => `/user-action-audit-exports/${id}/download`,
    seed: seedExports,
  })
