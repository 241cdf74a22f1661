import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { nodeCommand, serverCore, startPinned } from './pinned.ts'
import type { Scene } from './scene.ts'
import { plenty, type S3Settings, type Settings } from './settings.ts'
import { running, type RunningServer } from './start-server.ts'

/** The folders of the examples, and the path before the export id. */
export const examples = {
  'express-filesystem': '/api/audit-logs/export',
  'koa-s3': '/user-action-audit-exports',
} as const

export type ExampleName = keyof typeof examples

const startMs = 30_000

/**
 * Starts an example with the command line of its own `start` script, on the servers' core, and waits until it listens. Its
 * stdout, which is its log, goes to a file. Its environment is that of a production service: an issuer, the scene's catalogue, and
 * files on disk or objects in S3.
 *
 * @param s3 - the objects. Absent: the files of the scene
 * @param nodeOptions - added to the command line, such as `--cpu-prof`
 */
export async function startExample(
  example: ExampleName,
  { settings, folder, catalogue }: Pick<Scene, 'settings' | 'folder' | 'catalogue'>,
  s3?: S3Settings,
  nodeOptions: readonly string[] = [],
): Promise<RunningServer> {
  const home = new URL(`../../../examples/${example}/`, import.meta.url)
  const file = fileURLToPath(new URL('server.ts', home))
  mkdirSync(join(folder, example), { recursive: true })
  const log = join(folder, example, 'log')
  const output = openSync(log, 'w')
  const command = nodeCommand(...nodeOptions, ...startOptions(home), file)
  const variables = {
    ...serviceVariables(settings),
    CATALOGUE: catalogue,
    ...(s3 ? s3Variables(s3) : { EXPORTS_DIR: settings.root }),
  }
  const child = startPinned(serverCore, command, variables, output)
  closeSync(output)
  const server = running(example, child, 0)
  const patience = AbortSignal.timeout(startMs)
  try {
    for (;;) {
      const [, port] = /^listening on http:\/\/127\.0\.0\.1:(\d+)$/m.exec(readFileSync(log, 'utf8')) ?? []
      if (port !== undefined) return { ...server, port: Number(port) }
      if (child.exitCode !== null) throw new Error(`${example} ended with ${child.exitCode}`)
      await delay(20, undefined, { signal: patience })
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** Node's options in the `start` script of a package. */
function startOptions(home: URL): readonly string[] {
  const text = readFileSync(new URL('package.json', home), 'utf8')
  const [, options] = /"start": "node (.*) server\.ts"/.exec(text) ?? []
  if (options === undefined) throw new Error('the start script of an example is: node <options> server.ts')
  return options.split(' ')
}

const serviceVariables = ({ issuer, audience, jwksUri }: Settings): NodeJS.ProcessEnv => ({
  NODE_ENV: 'production',
  UV_THREADPOOL_SIZE: undefined, // the example sets it
  PORT: '0',
  OIDC_ISSUER: issuer,
  OIDC_AUDIENCE: audience,
  JWKS_URI: jwksUri,
  RATE_CAPACITY: String(plenty),
  RATE_PER_SECOND: String(plenty - 1),
  CONCURRENT_PER_PRINCIPAL: String(plenty),
})

const s3Variables = (s3: S3Settings): NodeJS.ProcessEnv => ({
  S3_BUCKET: s3.bucket,
  S3_ENDPOINT: s3.endpoint,
  AWS_ACCESS_KEY_ID: s3.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
})
