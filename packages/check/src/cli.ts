import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { CannotCheckError, checkEndpoint } from './check-endpoint.ts'
import type { CheckOptions } from './options.ts'
import { openProgress } from './progress.ts'
import { formatJunit } from './report/junit.ts'
import { formatTable } from './report/table.ts'
import { UsageError } from './settings.ts'

/** Where the command reads and writes. */
export interface Console {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly signal?: AbortSignal
}

const usage = `Usage: sallyport-check URL [options]

Judges a download endpoint as its clients see it. URL is the download of one export that exists.

  --token-env NAME        the environment variable that holds a bearer token
  --header 'Name: value'  a field of every request; may be repeated
  --profile NAME          sallyport (default), or generic: the rules of the standards only
  --foreign-url URL       an export of another tenant: it must read like a missing one
  --second-url URL        another export of the same tenant: its ETag must differ
  --expect-sha256 HEX     the SHA-256 of the whole export; implies --full
  --full                  download the whole export, and check its length and digests
  --http2                 send the requests over HTTP/2
  --ca FILE               certificates to trust, in PEM
  --json, --junit         print the report in that format
  --max-requests N        default 60
  --max-bytes N           default 8MiB; not for --full
  --max-wait SECONDS      for Retry-After in all; default 120
  --timeout SECONDS       until a response must begin; default 30

Exit status: 0 no check failed, 1 a check failed, 2 the endpoint could not be checked.
`

const flags = {
  'token-env': { type: 'string' },
  header: { type: 'string', multiple: true },
  profile: { type: 'string' },
  'foreign-url': { type: 'string' },
  'second-url': { type: 'string' },
  'expect-sha256': { type: 'string' },
  full: { type: 'boolean' },
  http2: { type: 'boolean' },
  ca: { type: 'string' },
  json: { type: 'boolean' },
  junit: { type: 'boolean' },
  'max-requests': { type: 'string' },
  'max-bytes': { type: 'string' },
  'max-wait': { type: 'string' },
  timeout: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Runs the command. Resolves with the exit status. Its messages contain no value of an argument, because that may be a secret. */
export async function run(
  args: readonly string[],
  { env, stdout, stderr, signal }: Console,
): Promise<0 | 1 | 2> {
  try {
    const { values, positionals } = parse(args)
    if (values.help) {
      stdout.write(usage)
      return 0
    }
    const [url] = positionals
    if (url === undefined || positionals.length > 1)
      throw new UsageError('exactly one URL is needed; see --help')
    const progress = openProgress(stderr)
    const report = await checkEndpoint(url, {
      ...optionsOf(values, env),
      onProgress: progress.update,
      ...(signal && { signal }),
    }).finally(progress.stop)
    if (values.json) stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
    else stdout.write(values.junit ? formatJunit(report) : formatTable(report, stdout))
    return report.verdict === 'pass' ? 0 : 1
  } catch (error) {
    stderr.write(`sallyport-check: ${messageOf(error)}\n`)
    return 2
  }
}

type Values = ReturnType<typeof parse>['values']

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: flags, allowPositionals: true, strict: true })

function optionsOf(values: Values, env: Console['env']): CheckOptions {
  const { profile } = values
  if (profile !== undefined && profile !== 'sallyport' && profile !== 'generic')
    throw new UsageError('--profile must be sallyport or generic')
  return {
    profile,
    token: tokenOf(values['token-env'], env),
    headers: Object.fromEntries((values.header ?? []).map(readHeader)),
    foreignUrl: values['foreign-url'],
    secondUrl: values['second-url'],
    expectSha256: values['expect-sha256'],
    full: values.full,
    ca: values.ca === undefined ? undefined : readFileSync(values.ca, 'utf8'),
    protocol: values.http2 ? 'h2' : undefined,
    maxRequests: number('--max-requests', values['max-requests']),
    maxBytes: size(values['max-bytes']),
    maxWaitMs: seconds('--max-wait', values['max-wait']),
    timeoutMs: seconds('--timeout', values.timeout),
  }
}

function tokenOf(name: string | undefined, env: Console['env']): string | undefined {
  if (name === undefined) return undefined
  const token = env[name]?.trim()
  if (token === undefined || token === '')
    throw new UsageError('--token-env must name an environment variable that is set')
  return token
}

function readHeader(text: string): readonly [string, string] {
  const [, name, value] = /^([^:\s]+):[ \t]*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new UsageError("--header must be 'Name: value'")
  return [name, value]
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${name} must be a whole number`)
  return Number(text)
}

const seconds = (name: string, text: string | undefined): number | undefined => {
  const value = number(name, text)
  return value === undefined ? undefined : value * 1_000
}

const units: Readonly<Record<string, number>> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

function size(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, digits, unit = ''] = /^(\d{1,12})(|KiB|MiB|GiB)$/.exec(text) ?? []
  if (digits === undefined) throw new UsageError('--max-bytes must be a number of bytes, such as 8MiB')
  return Number(digits) * (units[unit] ?? 1)
}

/** Other errors may contain an argument or a path in their message. */
function messageOf(error: unknown): string {
  if (error instanceof CannotCheckError || error instanceof UsageError) return error.message
  if (!(error instanceof Error)) return 'unexpected error'
  const code = 'code' in error ? String(error.code) : ''
  // It names the option, and not its value.
  if (code.startsWith('ERR_PARSE_ARGS_')) return error.message
  if ('syscall' in error) return '--ca must name a file that can be read'
  return error.name === 'AbortError' ? 'interrupted' : `unexpected error (${code || error.name})`
}
