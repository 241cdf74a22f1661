import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

/** Something that must hold. */
export interface Check<Given> {
  readonly title: string
  /** Why this machine cannot run it. Absent: it can. */
  readonly skipped?: string
  readonly run: (given: Given) => Promise<void>
}

type Variables = Readonly<Record<string, string>>

/** The service, running: where it is, and what it printed for its callers. */
export interface Service {
  readonly process: ChildProcess
  readonly origin: string
  readonly jwt: string
  readonly opaque: string
  /** The organization, the address and the file of the export that it offers to download. */
  readonly organization: string
  readonly url: string
  readonly file: string
  /** Lines of stdout, so far. */
  readonly lines: readonly string[]
  end(): Promise<number | null>
}

const kept = Object.entries(process.env).filter(([name]) => name === 'PATH' || name.startsWith('NODE_V8_'))

/** The program of the example whose checks run: they are started in its folder. */
function spawnServer(variables: Variables, script: string): ChildProcess {
  const args = ['--conditions=@sallyport/source', '--disable-warning=ExperimentalWarning', script]
  return spawn(process.execPath, args, {
    env: { ...Object.fromEntries(kept), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** @param last - how the line begins that ends its greeting */
export async function start(
  variables: Variables = {},
  script = 'server.ts',
  last = 'curl ',
): Promise<Service> {
  const child = spawnServer({ PORT: '0', ...variables }, script)
  const lines: string[] = []
  assert(child.stdout && child.stderr)
  child.stderr.pipe(process.stderr)
  // 'close' comes after the last line; 'exit' may come before it.
  const exit = once(child, 'close') as Promise<[number | null]>
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line))
  const greeted = new Promise<void>((resolve, reject) => {
    // Four lines where the exports are in a bucket, five where they are files.
    reader.on('line', (line) => line.startsWith(last) && setImmediate(resolve))
    reader.on('close', () => reject(new Error('the service ended before it listened')))
  })
  await greeted
  const [listening = '', jwt = '', opaque = '', curl = '', sum = ''] = lines
  return {
    process: child,
    origin: listening.replace('listening on ', ''),
    jwt: jwt.replace('jwt: ', ''),
    opaque: opaque.replace('opaque: ', ''),
    organization: /X-Org-Name: ([^']+)/.exec(curl)?.[1] ?? '',
    url: /'(http[^']+)'$/.exec(curl)?.[1] ?? '',
    file: /'([^']+)'$/.exec(sum)?.[1] ?? '',
    lines,
    end: async () => {
      child.kill('SIGTERM')
      return (await exit)[0]
    },
  }
}

/** What the process says when it will not start, and its exit status. */
export async function startInVain(
  variables: Variables,
  script = 'server.ts',
): Promise<{ code: number | null; said: string }> {
  const child = spawnServer({ PORT: '0', ...variables }, script)
  assert(child.stdout && child.stderr)
  const exit = once(child, 'exit') as Promise<[number | null]>
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  const said = (await Promise.all([text(child.stdout), text(child.stderr)])).join('')
  const [code] = await exit
  clearTimeout(timer)
  return { code, said }
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const headersFor = ({ jwt, organization }: Service, more: Variables = {}): Variables => ({
  authorization: `Bearer ${jwt}`,
  'x-org-name': organization,
  ...more,
})

export async function refusal(url: string, init: RequestInit): Promise<[number, unknown]> {
  const response = await fetch(url, init)
  return [response.status, await response.json()]
}

/** A download whose bytes nobody takes yet. */
export async function pausedDownload(service: Service): Promise<IncomingMessage> {
  const request = get(service.url, { headers: headersFor(service), agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  request.on('error', () => undefined) // a reset of the connection is an error of the response, too
  assert.equal(response.statusCode, 200)
  return response.pause()
}

/** Waits until the service answers a download with this status. */
export async function answersWith(status: number, service: Service): Promise<void> {
  for (;;) {
    const response = await fetch(service.url, { method: 'HEAD', headers: headersFor(service) })
    if (response.status === status) return
  }
}

/** The id of the export in the directory that {@link withDirectory} makes. */
export const onlyId = '2f1c7b7e-55d1-4c0a-9a53-0a4d6c1b8e11'

/** Hands over a directory with one organization's one export in it, and removes it afterwards. */
export function withDirectory(
  { format, content }: { readonly format: string; readonly content: string },
  run: (directory: string) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-check-'))
    try {
      await mkdir(join(directory, 'initech'))
      await writeFile(join(directory, 'initech', `${onlyId}.${format}`), content)
      await run(directory)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
}
