import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { beforeAll, describe, expect, test, vi } from 'vitest'

import { blocks, root } from './blocks.ts'

// Runs the commands of going-live.md, in their order, against the first example.

const run = promisify(execFile)
const commands = blocks.filter(
  ({ document, language }) => document === 'docs/going-live.md' && language === 'sh',
)

describe('the commands of docs/going-live.md prove their points', () => {
  let directory: string
  let env: Record<string, string>
  let exit: Promise<unknown[]>

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'going-live-'))
    const log = join(directory, 'log')
    const output = await open(log, 'a')
    const service = spawn(
      process.execPath,
      ['--conditions=@sallyport/source', '--disable-warning=ExperimentalWarning', 'server.ts'],
      {
        cwd: join(root, 'examples/express-filesystem'),
        env: { PATH: process.env['PATH'], PORT: '0', RATE_CAPACITY: '150' },
        stdio: ['ignore', output.fd, output.fd],
      },
    )
    exit = once(service, 'exit')
    await output.close()
    const greeting = await vi.waitUntil(
      async () => {
        const text = await readFile(log, 'utf8')
        return text.includes('\ncurl ') && text
      },
      { timeout: 50_000 },
    )
    const [, origin = ''] = /^listening on (.*)$/m.exec(greeting) ?? []
    const [, token = ''] = /^jwt: (.*)$/m.exec(greeting) ?? []
    const [, url = ''] = /'(http[^']+)'$/m.exec(greeting) ?? []
    await writeFile(log, '') // the greeting has the token
    const npx = join(directory, 'npx')
    await writeFile(
      npx,
      `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(root, 'packages/check/src/bin.ts')}' "$@"\n`,
    )
    await chmod(npx, 0o755)
    const folder = url.split('/').slice(0, -2).join('/')
    env = {
      PATH: `${directory}:${process.env['PATH']}`,
      ORIGIN: origin,
      TOKEN: token,
      URL: url,
      SECOND_URL: `${folder}/8c0d2f5e-6a1b-4f0e-9d3c-5b7a1e2f4c60/download`,
      FOREIGN_URL: `${folder}/c3b7d915-80ef-4a26-b5c4-7e1f9a0d6b38/download`,
      ORG: 'acme',
      PID: String(service.pid),
      LOG: log,
    }
    return async () => {
      service.kill('SIGKILL')
      await rm(directory, { recursive: true })
    }
  })

  test.each(commands)('$title', async ({ code }) => {
    const proof = run('bash', ['-euc', code], { cwd: directory, env }).then(
      () => 'proved',
      (error: unknown) => error,
    )
    expect(await proof).toBe('proved')
  })

  test('the deployment of the last point ended the process with status 0', async () => {
    expect(await exit).toEqual([0, null])
  })
})
