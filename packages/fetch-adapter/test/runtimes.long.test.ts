import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { abilities } from './servers/abilities.ts'
import { cannot } from './servers/runtimes.ts'
import { type Server, starts } from './servers/start.ts'

// The same service on every runtime, in a process of its own. docs/mounting.md has the results as a table.

const names = Object.keys(starts) as (keyof typeof starts)[]

describe.each(names)('%s', (runtime) => {
  let server: Server
  beforeAll(async () => void (server = await starts[runtime]()))
  afterAll(() => server.stop())

  const excuses: Partial<Record<string, string>> = cannot[runtime]
  const all = Object.entries(abilities).map(([title, run]) => ({ title, run, excuse: excuses[title] }))
  const able = all.filter(({ excuse }) => excuse === undefined)
  test.each(able)('$title', async ({ run }) => {
    await expect(run(server)).resolves.toBeUndefined()
  })

  // Last, because they may leave something running.
  const unable = all.filter(({ excuse }) => excuse !== undefined)
  if (unable.length === 0) return
  test.each(unable)('cannot yet: $title ($excuse)', async ({ run }) => {
    await expect(run(server)).rejects.toBeInstanceOf(Error)
  })
})
