import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { run } from './pack.ts'

// Generates clients from the document that each example serves, compiles them, and uses them: a download as a stream, an invalid
// request, and a used-up quota. The generators need a compiler that this project does not use, so they are installed by npm in a
// directory of their own. Needs the npm registry.

const versions = {
  typescript: '5.9.3',
  'openapi-typescript': '7.13.0',
  'openapi-fetch': '0.17.0',
  '@hey-api/openapi-ts': '0.99.0',
  '@types/node': '24',
}

interface Example {
  readonly folder: string
  readonly path: string
  readonly parameter: string
  /** The status of an invalid request. */
  readonly invalid: number
}
const examples: readonly Example[] = [
  {
    folder: 'express-filesystem',
    path: '/api/audit-logs/export/{job_id}/download',
    parameter: 'job_id',
    invalid: 422,
  },
  {
    folder: 'koa-s3',
    path: '/user-action-audit-exports/{export_id}/download',
    parameter: 'export_id',
    invalid: 400,
  },
]

/** Downloads, and reads two refusals, with the client of `openapi-typescript`. */
const withFetch = ({ path, parameter, invalid }: Example): string => `
import createClient from 'openapi-fetch'
import type { paths } from './types.ts'
import { finish, origin, id, token } from './given.ts'

const headers = { Authorization: 'Bearer ' + token }
const client = createClient<paths>({ baseUrl: origin, headers })
const ask = (asked: string) =>
  client.GET('${path}', {
    params: { path: { ${parameter}: asked }, header: { 'X-Org-Name': 'acme' } },
    parseAs: 'stream',
  })
const { data, response } = await ask(id)
let bytes = 0
for await (const chunk of data as AsyncIterable<Uint8Array>) bytes += chunk.length
const refused = await ask('nope')
let limited = await ask('nope')
for (let n = 0; n < 200 && limited.response.status !== 429; n++) {
  limited = await client.HEAD('${path}', { params: { path: { ${parameter}: id }, header: { 'X-Org-Name': 'acme' } } }) as never
}
const busy = await ask(id)
finish({ status: response.status, bytes, invalid: [refused.response.status, refused.error], limited: [busy.response.status, busy.error] }, ${invalid})
`

/** The same with the client of `@hey-api/openapi-ts`. */
const withHeyApi = (example: Example, names: { readonly get: string; readonly head: string }): string => `
import { client } from './hey/client.gen.ts'
import { ${names.get}, ${names.head} } from './hey/sdk.gen.ts'
import { finish, origin, id, token } from './given.ts'

// Without the condition, the client would send the token as a ticket too.
client.setConfig({ baseUrl: origin, auth: ({ scheme }) => (scheme === 'bearer' ? token : undefined) })
const headers = { 'X-Org-Name': 'acme' }
const ask = (asked: string) => ${names.get}({ path: { ${example.parameter}: asked }, headers, parseAs: 'stream' })
const { data, response } = await ask(id)
let bytes = 0
for await (const chunk of data as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length
const refused = await ask('nope')
for (let n = 0; n < 200; n++) {
  const { response } = await ${names.head}({ path: { ${example.parameter}: id }, headers })
  if (response?.status === 429) break
}
const busy = await ask(id)
finish({ status: response?.status ?? 0, bytes, invalid: [refused.response?.status ?? 0, refused.error], limited: [busy.response?.status ?? 0, busy.error] }, ${example.invalid})
`

const given = (origin: string, id: string, token: string, size: number): string => `
export const [origin, id, token] = ${JSON.stringify([origin, id, token])}
interface Seen {
  readonly status: number
  readonly bytes: number
  readonly invalid: readonly [number, unknown]
  readonly limited: readonly [number, unknown]
}
export function finish(seen: Seen, invalid: number): void {
  const isBody = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length > 0
  const isRight =
    seen.status === 200 && seen.bytes === ${size} &&
    seen.invalid[0] === invalid && isBody(seen.invalid[1]) &&
    seen.limited[0] === 429 && isBody(seen.limited[1])
  if (isRight) return
  console.error(JSON.stringify(seen))
  process.exit(1)
}
`

/** Starts an example with a small quota, so that a client soon meets a 429. */
async function start(folder: string): Promise<{
  readonly lines: readonly string[]
  readonly end: () => Promise<void>
}> {
  const child = spawn(
    process.execPath,
    ['--conditions=@sallyport/source', '--disable-warning=ExperimentalWarning', 'server.ts'],
    {
      cwd: join(import.meta.dirname, '../examples', folder),
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        RATE_CAPACITY: '20',
        RATE_PER_SECOND: '0.01',
        LOG_LEVEL: 'silent',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  // A failed command ends this process at once.
  process.once('exit', () => void child.kill())
  const exit = once(child, 'exit')
  const lines: string[] = []
  const reader = createInterface(child.stdout)
  for await (const line of reader) {
    lines.push(line)
    if (line.startsWith('curl ')) break
  }
  child.stdout.resume()
  return {
    lines,
    end: async () => {
      child.kill()
      await exit
    },
  }
}

const directory = mkdtempSync(join(tmpdir(), 'sallyport-clients-'))
const inside = (...args: readonly string[]): string => run('npm', ['exec', '--no', '--', ...args], directory)
let passed = 0
try {
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  const packages = Object.entries(versions).map(([name, version]) => `${name}@${version}`)
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages], directory)
  for (const example of examples) {
    for (const generator of ['openapi-typescript', '@hey-api/openapi-ts'] as const) {
      const { lines, end } = await start(example.folder)
      try {
        const [listening = '', jwt = ''] = lines
        const origin = listening.replace('listening on ', '')
        const token = jwt.replace('jwt: ', '')
        const url = /'(http[^']+)'$/.exec(lines.find((line) => line.startsWith('curl ')) ?? '')?.[1] ?? ''
        const headers = { authorization: `Bearer ${token}`, 'x-org-name': 'acme' }
        const { headers: fields } = await fetch(url, { method: 'HEAD', headers })
        const folder = join(directory, example.folder, generator.replace('/', '-'))
        mkdirSync(folder, { recursive: true })
        const document = await (await fetch(`${origin}/openapi.json`)).text()
        const { paths } = JSON.parse(document) as {
          paths: Record<string, { get: { operationId: string }; head: { operationId: string } }>
        }
        const operations = paths[example.path]
        if (!operations) throw new Error(`${example.folder} describes no ${example.path}`)
        writeFileSync(join(folder, 'openapi.json'), document)
        const id = url.split('/').at(-2) ?? ''
        writeFileSync(
          join(folder, 'given.ts'),
          given(origin, id, token, Number(fields.get('content-length'))),
        )
        if (generator === 'openapi-typescript') {
          inside('openapi-typescript', join(folder, 'openapi.json'), '-o', join(folder, 'types.ts'))
          writeFileSync(join(folder, 'use.ts'), withFetch(example))
        } else {
          const output = { path: join(folder, 'hey'), importFileExtension: '.ts' }
          const config = {
            input: join(folder, 'openapi.json'),
            output,
            plugins: ['@hey-api/client-fetch', '@hey-api/sdk', '@hey-api/typescript'],
          }
          writeFileSync(join(folder, 'openapi-ts.config.mjs'), `export default ${JSON.stringify(config)}`)
          inside('openapi-ts', '-f', join(folder, 'openapi-ts.config.mjs'))
          const camel = (name: string): string =>
            name.replaceAll(/_+([a-z])/g, (_, letter: string) => letter.toUpperCase())
          const names = { get: camel(operations.get.operationId), head: camel(operations.head.operationId) }
          writeFileSync(join(folder, 'use.ts'), withHeyApi(example, names))
        }
        const options = {
          target: 'es2022',
          module: 'nodenext',
          strict: true,
          skipLibCheck: true,
          types: ['node'],
          rewriteRelativeImportExtensions: true,
          outDir: 'out',
          rootDir: '.',
        }
        writeFileSync(
          join(folder, 'tsconfig.json'),
          JSON.stringify({ compilerOptions: options, include: ['**/*.ts'] }),
        )
        writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
        inside('tsc', '-p', folder)
        run(process.execPath, [join(folder, 'out/use.js')])
        console.log(
          `ok      ${example.folder}: ${generator} downloads an export, and reads a ${example.invalid} and a 429`,
        )
        passed += 1
      } finally {
        await end()
      }
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
console.log(`${passed} passed, 0 failed`)
