import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { packAll, run } from './pack.ts'
import { isHere } from './servers/available.ts'
import { startAzurite } from './servers/azurite.ts'
import { startCeph } from './servers/ceph.ts'
import { startRedis } from './servers/redis.ts'

// The packed packages with the oldest peers that their ranges allow: the stores keep their contract on real servers, and every
// adapter downloads an export, and telemetry records one. Also what an import says while a peer is not installed. Needs a build and the npm registry.

/** `{ koa: ['2.16.0', '3.0.0'] }`: where each range of a package's peers begins. */
function oldestPeers(name: string): ReadonlyMap<string, readonly string[]> {
  const { peerDependencies } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8')) as {
    readonly peerDependencies: Readonly<Record<string, string>>
  }
  return new Map(
    Object.entries(peerDependencies)
      .filter(([peer]) => !peer.startsWith('@sallyport/'))
      .map(([peer, range]) => [
        peer,
        [...range.matchAll(/\^(\d+\.\d+\.\d+)/g)].map(([, version = '']) => version),
      ]),
  )
}

const directory = mkdtempSync(join(tmpdir(), 'sallyport-peers-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const tarballs = packAll(directory)
const tarball = (name: string): string =>
  tarballs.find((path) => path.includes(`sallyport-${name}-`)) ?? fail(`${name} was not packed`)

function fail(text: string): never {
  console.error(`FAILED  ${text}`)
  return process.exit(1)
}

/** A project with these packages, exactly. */
function project(name: string, packages: readonly string[]): string {
  const folder = join(directory, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--save-exact', ...packages], folder)
  return folder
}

// ── A peer that is not installed ─────────────────────────────────────────────────────────────────────────────────────

const entryPoints = {
  s3: '@aws-sdk/client-s3',
  's3-parts': '@aws-sdk/client-s3',
  'azure-blob': '@azure/storage-blob',
} as const
const bare = project('bare', [tarball('core'), tarball('storage')])
for (const [entryPoint, peer] of Object.entries(entryPoints)) {
  const source = `await import('@sallyport/storage/${entryPoint}')`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: bare,
    encoding: 'utf8',
  })
  const expected = `Cannot find package '${peer}' imported from ${join(bare, 'node_modules/@sallyport/storage/dist')}`
  if (!stderr.includes(expected)) fail(`@sallyport/storage/${entryPoint} without ${peer} says: ${stderr}`)
  console.log(`ok  @sallyport/storage/${entryPoint} without ${peer} names it`)
}

// ── Stores ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const stores = [...oldestPeers('storage')].flatMap(([peer, versions]) =>
  versions.map((version) => `${peer}@${version}`),
)
const storage = project('storage', [tarball('core'), tarball('storage'), ...stores])
writeFileSync(
  join(storage, 'contract.js'),
  `
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { BlobServiceClient } from '@azure/storage-blob'
import { storeContract } from '@sallyport/core/testing'
import { createAzureBlobStore } from '@sallyport/storage/azure-blob'
import { createS3Store } from '@sallyport/storage/s3'

const { which, endpoint, keys, connection } = JSON.parse(process.argv[2])
async function openS3() {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: keys })
  await client.send(new CreateBucketCommand({ Bucket: which })).catch((error) => {
    if (error.name !== 'BucketAlreadyOwnedByYou') throw error
  })
  return {
    store: createS3Store({ client, bucket: which }),
    put: (Key, Body) => client.send(new PutObjectCommand({ Bucket: which, Key, Body })),
    remove: (Key) => client.send(new DeleteObjectCommand({ Bucket: which, Key })),
  }
}
async function openAzure() {
  const container = BlobServiceClient.fromConnectionString(connection).getContainerClient(which)
  await container.create()
  return {
    store: createAzureBlobStore({ container }),
    put: (key, bytes) => container.getBlockBlobClient(key).uploadData(bytes),
    remove: (key) => container.getBlockBlobClient(key).deleteIfExists(),
  }
}
const open = {
  'azure-store': openAzure,
  's3-store': openS3,
}
const fixture = await open[which]()
const cases = storeContract(async () => fixture)
for (const { title, run } of cases)
  await run().catch((cause) => {
    throw new Error(title, { cause })
  })
console.log(cases.length)
process.exit(0)
`,
)
const keepsContract = (which: string, server: object): void => {
  const cases = run(process.execPath, ['contract.js', JSON.stringify({ which, ...server })], storage).trim()
  console.log(`ok  ${which}: ${cases} cases of the store contract, with ${stores.join(', ')}`)
}
const azurite = await startAzurite()
try {
  keepsContract('azure-store', { connection: azurite.connectionString() })
} finally {
  await azurite.close()
}
if (isHere('ceph')) {
  const ceph = await startCeph()
  try {
    keepsContract('s3-store', { endpoint: ceph.endpoint, keys: ceph.owner })
  } finally {
    await ceph.close()
  }
} else console.log('skipped  the stores on S3: this machine has no Ceph')

// ── Redis clients: the host brings its own, so no peer range names them ──────────────────────────────────────────────

const redisClients = ['ioredis@5.8.0', 'redis@5.8.0']
if (isHere('redis')) {
  const folder = project('redis', [tarball('core'), tarball('redis-limiter'), ...redisClients])
  const redis = await startRedis()
  try {
    writeFileSync(join(folder, 'admit.js'), admitsOn(redis.port))
    run(process.execPath, ['admit.js'], folder)
    console.log(`ok  the limiter admits and refuses by ${redisClients.join(' and ')}`)
  } finally {
    await redis.close()
  }
} else console.log('skipped  the limiter: this machine has no Redis')

function admitsOn(port: number): string {
  return `
import { createRedisLimiter } from '@sallyport/redis-limiter'
import { Redis } from 'ioredis'
import { createClient } from 'redis'

const old = new Redis(${port}, '127.0.0.1')
const client = await createClient({ url: 'redis://127.0.0.1:${port}' }).connect()
const sends = {
  ioredis: (command) => old.call(...command),
  redis: (command) => client.sendCommand(command),
}
for (const [name, send] of Object.entries(sends)) {
  const limiter = createRedisLimiter({ send, timeoutMs: 5_000, leaseMs: 60_000, onOutage: 'closed', prefix: name })
  const quota = { capacity: 1, refill: 1, perMs: 60_000 }
  const ask = { partition: 'acme', quotas: [{ name: 'user', key: ['ann'], quota }], slots: [], cost: 1 }
  const { signal } = new AbortController()
  const admitted = [await limiter.admit(ask, signal), await limiter.admit(ask, signal)].map((one) => one.admitted)
  if (admitted.join() !== 'true,false') throw new Error(name + ': ' + admitted.join())
}
process.exit(0)
`
}

// ── Telemetry: the SDK is the host's, so no peer range names it. 2.0 is the first with API 1.9 ───────────────────────

const recordedBy = `
import { metrics, trace } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { createMemoryStore } from '@sallyport/core/testing'
import { createObservedExportHandler } from '@sallyport/telemetry'

const spans = new InMemorySpanExporter()
const reader = new PeriodicExportingMetricReader({ exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE) })
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const capabilities = ['exports:download']
const handler = createObservedExportHandler({
  verifier: {
    verify: async (subject) => ({ issuer: 'https://issuer.test', subject, organizations: ['acme'], capabilities, claims: {} }),
  },
  tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
  capability: 'exports:download',
  findExport: async () => ({ id, tenantId: '17', key: 'one', format: 'jsonl', state: 'ready' }),
  store: createMemoryStore({ one: '{"event":1}\\n' }),
})
const { status, body } = await handler.handle({
  method: 'GET',
  params: { exportId: '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82' },
  header: (name) => (name === 'authorization' ? 'Bearer ann' : undefined),
  signal: new AbortController().signal,
})
for await (const _ of body ?? []);
const { resourceMetrics } = await reader.collect()
const points = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
const requests = points.find(({ descriptor }) => descriptor.name === 'sallyport.requests')
const names = spans.getFinishedSpans().map(({ name }) => name)
if (status !== 200 || !names.includes('sallyport.download') || requests?.dataPoints[0]?.value !== 1)
  throw new Error(JSON.stringify({ status, names, points }))
console.log(names.length + ' spans and ' + points.length + ' metrics')
process.exit(0)
`
const sdk = ['@opentelemetry/sdk-trace-base@2.0.0', '@opentelemetry/sdk-metrics@2.0.0']
for (const version of oldestPeers('telemetry').get('@opentelemetry/api') ?? []) {
  const packages = [...sdk, `@opentelemetry/api@${version}`]
  const folder = project(`telemetry-${version}`, [tarball('core'), tarball('telemetry'), ...packages])
  writeFileSync(join(folder, 'record.js'), recordedBy)
  const recorded = run(process.execPath, ['record.js'], folder).trim()
  console.log(`ok  telemetry records ${recorded}, with ${packages.join(', ')}`)
}

// ── Frameworks ───────────────────────────────────────────────────────────────────────────────────────────────────────

const apps: Readonly<Record<string, string>> = {
  express: "(await import('express')).default().all('/:exportId', exportDownload(handler))",
  fastify:
    "(await (await import('fastify')).default().all('/:exportId', exportDownload(handler)).ready()).server",
  koa: "new (await import('koa')).default().use((ctx, next) => ((ctx.params = { exportId: ctx.path.slice(1) }), next())).use(exportDownload(handler))",
}
for (const [framework, app] of Object.entries(apps)) {
  for (const version of oldestPeers(`${framework}-adapter`).get(framework) ?? []) {
    const packages = [tarball('core'), tarball(`${framework}-adapter`), `${framework}@${version}`]
    const folder = project(`${framework}-${version}`, packages)
    writeFileSync(join(folder, 'download.js'), downloadOf(framework, app))
    run(process.execPath, ['download.js'], folder)
    console.log(`ok  ${framework} ${version} downloads an export`)
  }
}

function downloadOf(framework: string, app: string): string {
  return `
import { createExportHandler, createJwtVerifier } from '@sallyport/core'
import { createMemoryStore, createTestIssuer } from '@sallyport/core/testing'
import { exportDownload } from '@sallyport/${framework}-adapter'

const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
const { issuer, jwks, token } = await createTestIssuer()
const handler = createExportHandler({
  verifier: createJwtVerifier({ issuer, audience: 'exports', jwks, type: 'at+jwt' }),
  tenancy: { mode: 'single', tenant: { id: '17', name: 'acme' } },
  capability: 'exports:download',
  findExport: async () => ({ id, tenantId: '17', key: 'one', format: 'jsonl', state: 'ready' }),
  store: createMemoryStore({ one: '{"event":1}\\n' }),
})
const server = (${app}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const headers = { Authorization: 'Bearer ' + (await token()) }
const answer = await fetch('http://127.0.0.1:' + server.address().port + '/' + id, { headers })
if (answer.status !== 200 || (await answer.text()) !== '{"event":1}\\n') throw new Error('status ' + answer.status)
process.exit(0)
`
}
