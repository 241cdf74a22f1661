import { adapterContract } from '@sallyport/core/testing'
import { describe, expect, test } from 'vitest'

import { exportDownload, exportTicket, malformedPath } from '../src/express-adapter.ts'
import { expresses } from './expresses.ts'
import { listen } from './listen.ts'

describe.each(expresses)('the adapter keeps the contract on Express $major', ({ express }) => {
  const cases = adapterContract((handler) => {
    const app = express()
    app.enable('strict routing').enable('case sensitive routing')
    app.all('/exports/:exportId/download', exportDownload(handler))
    app.all('/exports/:exportId/ticket', exportTicket(handler))
    app.use(exportDownload(handler), malformedPath(handler))
    return listen(app)
  })
  const over1 = cases.filter(({ title }) => !title.startsWith('HTTP/2: '))
  test.each(over1)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
