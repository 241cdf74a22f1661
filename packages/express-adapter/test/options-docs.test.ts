import type { ExportHandler } from '@sallyport/core'
import express, { type Express } from 'express'
import { describe } from 'vitest'

import { type Behaviours, testOptions } from '../../../scripts/test-options.ts'
import { exportDownload, exportTicket, malformedPath } from '../src/express-adapter.ts'
import { listen } from './listen.ts'
import { openScene } from './scene.ts'

interface Mounted {
  readonly handler: ExportHandler
}
const { handler } = await openScene()
/** Answers everything with 204. */
const another: ExportHandler = { ...handler, handle: async () => ({ status: 204, headers: {} }) }

/** The status of a request without a token, which `handler` refuses. */
const statusOn =
  (mount: (app: Express, handler: ExportHandler) => Express, path: string) =>
  async (changes: Partial<Mounted>): Promise<number> => {
    await using served = await listen(mount(express(), changes.handler ?? handler))
    return (await fetch(new URL(path, served.url))).status
  }

const download: Behaviours<Mounted> = {
  handler: {
    see: statusOn((app, mounted) => app.all('/exports/:exportId', exportDownload(mounted)), '/exports/1'),
    before: 401,
    after: [[{ handler: another }, 204]],
  },
}
const malformed: Behaviours<Mounted> = {
  handler: {
    see: statusOn(
      (app, mounted) => app.all('/exports/:exportId', exportDownload(handler)).use(malformedPath(mounted)),
      '/exports/%zz',
    ),
    before: 401,
    after: [[{ handler: another }, 204]],
  },
}

const issuing: ExportHandler = {
  ...handler,
  issuesTickets: true,
  handleTicket: async () => ({ status: 401, headers: {} }),
}
const ticket: Behaviours<Mounted> = {
  handler: {
    see: async (changes) => {
      const mounted = changes.handler ?? issuing
      await using served = await listen(express().all('/exports/:exportId', exportTicket(mounted)))
      return (await fetch(new URL('/exports/1', served.url), { method: 'POST' })).status
    },
    before: 401,
    after: [[{ handler: { ...issuing, handleTicket: async () => ({ status: 204, headers: {} }) } }, 204]],
  },
}

describe('exportDownload', () => {
  testOptions({
    name: 'exportDownload',
    create: ({ handler: mounted }) => exportDownload(mounted),
    sound: { handler },
    behaviours: download,
  })
})

describe('exportTicket', () => {
  testOptions({
    name: 'exportTicket',
    create: ({ handler: mounted }) => exportTicket(mounted),
    sound: { handler: issuing },
    behaviours: ticket,
  })
})

describe('malformedPath', () => {
  testOptions({
    name: 'malformedPath',
    create: ({ handler: mounted }) => malformedPath(mounted),
    sound: { handler },
    behaviours: malformed,
  })
})
