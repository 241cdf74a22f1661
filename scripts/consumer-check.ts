import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { start } from '../examples/shared/check-service.ts'
import { packAll, run } from './pack.ts'

// Installs the packed packages with npm in empty projects. A TypeScript project is compiled by every compiler listed
// for it. Each project then downloads an export through its own service on every supported Node. Needs a build
// and the npm registry.

const nodes = ['22.23.3', '24.21.0', '26.10.0']
const [oldTypeScript, newTypeScript] = ['5.4.5', '7.0.2']
const modules = {
  'node:fs/promises': ['mkdir', 'mkdtemp', 'writeFile'],
  'node:path': ['join'],
  '@sallyport/core': ['createExportHandler', 'createJwtVerifier'],
  '@sallyport/core/issuers': ['entraId'],
  '@sallyport/core/openapi': ['describeDocument'],
  '@sallyport/core/testing': ['createTestIssuer'],
  '@sallyport/storage/filesystem': ['createFilesystemStore'],
} as const
const adapters = {
  express: {
    module: '@sallyport/express-adapter',
    framework: 'express',
    mount: "express().all('/exports/:exportId/download', exportDownload(handler))",
    packages: ['express@5', '@types/express@5'],
  },
  koa: {
    module: '@sallyport/koa-adapter',
    framework: 'Koa',
    mount:
      "new Koa().use((ctx, next) => { ctx.params = { exportId: ctx.path.split('/')[2] }; return next() }).use(exportDownload(handler))",
    packages: ['koa@3', '@types/koa@3'],
  },
  fastify: {
    module: '@sallyport/fastify-adapter',
    framework: 'Fastify',
    mount:
      "(await (async () => { const app = Fastify(); app.all('/exports/:exportId/download', exportDownload(handler)); await app.ready(); return app.server })())",
    packages: ['fastify@5'],
  },
} as const
type Framework = keyof typeof adapters

const use = ({ mount }: (typeof adapters)[Framework], first = ''): string => `
async function main() {
  ${first}
  const id = '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82'
  const root = await mkdtemp('exports-')
  await mkdir(join(root, 'acme'))
  await writeFile(join(root, 'acme', id + '.jsonl'), '{"event":1}\\n')
  const organizations = [{ id: '17', name: 'acme' }]
  const rows = [{ id, tenantId: '17', key: 'acme/' + id + '.jsonl' }]
  const { issuer, jwks, token } = await createTestIssuer()
  const handler = createExportHandler({
    verifier: createJwtVerifier({ issuer, audience: 'exports', jwks, type: 'at+jwt' }),
    tenancy: { mode: 'multi', findTenant: async (asked) => organizations.find(({ name }) => name === asked) },
    capability: 'exports:download',
    findExport: async ({ exportId, tenant }) => {
      const row = rows.find((row) => row.tenantId === tenant.id && row.id === exportId)
      return row && { ...row, format: 'jsonl', state: 'ready' }
    },
    store: createFilesystemStore({ root }),
  })
  const server = ${mount}.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  const headers = { Authorization: 'Bearer ' + (await token()), 'X-Org-Name': 'acme' }
  const answer = await fetch('http://127.0.0.1:' + address.port + '/exports/' + id + '/download', { headers })
  if (answer.status !== 200 || (await answer.text()) !== '{"event":1}\\n') throw new Error('status ' + answer.status)
  console.log('downloaded')
  process.exit(0)
}
void main()
`
const imports = ({ module, framework }: (typeof adapters)[Framework]): string =>
  [
    ...Object.entries(modules).map(([name, names]) => `import { ${names.join(', ')} } from '${name}'`),
    `import { exportDownload } from '${module}'`,
    `import ${framework} from '${framework.toLowerCase()}'`,
  ].join('\n')
/** In an async function, because a CommonJS file with TypeScript's `module: node16` can import an ES module only like this. */
const dynamicImports = ({ module, framework }: (typeof adapters)[Framework]): string =>
  [
    ...Object.entries(modules).map(
      ([name, names]) => `const { ${names.join(', ')} } = await import('${name}')`,
    ),
    `const { exportDownload } = await import('${module}')`,
    `const { default: ${framework} } = await import('${framework.toLowerCase()}')`,
  ].join('\n  ')
const requires = ({ module, framework }: (typeof adapters)[Framework]): string =>
  [
    ...Object.entries(modules).map(([name, names]) => `const { ${names.join(', ')} } = require('${name}')`),
    `const { exportDownload } = require('${module}')`,
    `const ${framework} = require('${framework.toLowerCase()}')`,
  ].join('\n')

const compilerOptions = {
  target: 'es2022',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  types: ['node'],
  outDir: 'out',
  rootDir: '.',
}
interface Project {
  readonly title: string
  readonly type: 'module' | 'commonjs'
  readonly adapter: (typeof adapters)[Framework]
  readonly source: (adapter: (typeof adapters)[Framework]) => string
  /** Absent: JavaScript. */
  readonly typescript?: { readonly module: 'node16' | 'nodenext'; readonly versions: readonly string[] }
}
const projects: readonly Project[] = [
  {
    title: 'ES modules, Express',
    type: 'module',
    adapter: adapters.express,
    source: (adapter) => `${imports(adapter)}\n${use(adapter)}`,
  },
  {
    title: 'CommonJS, Koa',
    type: 'commonjs',
    adapter: adapters.koa,
    source: (adapter) => `${requires(adapter)}\n${use(adapter)}`,
  },
  {
    title: 'TypeScript, ES modules, Express',
    type: 'module',
    adapter: adapters.express,
    source: (adapter) => `${imports(adapter)}\n${use(adapter)}`,
    typescript: { module: 'nodenext', versions: [oldTypeScript, newTypeScript] },
  },
  {
    title: 'TypeScript, ES modules, Fastify',
    type: 'module',
    adapter: adapters.fastify,
    source: (adapter) => `${imports(adapter)}\n${use(adapter)}`,
    typescript: { module: 'nodenext', versions: [oldTypeScript, newTypeScript] },
  },
  {
    title: 'TypeScript, CommonJS by import(), Koa',
    type: 'commonjs',
    adapter: adapters.koa,
    source: (adapter) => use(adapter, dynamicImports(adapter)),
    typescript: { module: 'node16', versions: [oldTypeScript, newTypeScript] },
  },
  {
    title: 'TypeScript, CommonJS by import, Express',
    type: 'commonjs',
    adapter: adapters.express,
    source: (adapter) => `${imports(adapter)}\n${use(adapter)}`,
    typescript: { module: 'nodenext', versions: [newTypeScript] },
  },
]

const directory = mkdtempSync(join(tmpdir(), 'sallyport-consumers-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const tarballs = packAll(directory)
const tarball = (name: string): string => tarballs.find((path) => path.includes(`sallyport-${name}-`)) ?? name
const runtimes = nodes.map((version) => {
  const platform = `node-${process.platform}-${process.arch}@${version}`
  return run('npx', ['-y', '-p', platform, '-c', 'node -p process.execPath']).trim()
})

for (const [index, { title, type, adapter, source, typescript }] of projects.entries()) {
  const folder = join(directory, String(index))
  const file = typescript ? 'main.ts' : 'main.js'
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type }))
  const own = ['core', 'storage', adapter.module.slice('@sallyport/'.length)].map(tarball)
  const compilers = typescript?.versions.map((version) => `tsc-${version}@npm:typescript@${version}`) ?? []
  const others = [...adapter.packages, ...(typescript ? ['@types/node@22', ...compilers] : [])]
  run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...own, ...others], folder)
  writeFileSync(join(folder, file), source(adapter))
  if (!typescript) runOnEveryNode(title, folder, file)
  for (const version of typescript?.versions ?? []) {
    const options = { ...compilerOptions, module: typescript?.module }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: [file] }))
    run(process.execPath, [join(folder, 'node_modules', `tsc-${version}`, 'bin/tsc')], folder)
    runOnEveryNode(`${title}, TypeScript ${version}`, folder, 'out/main.js')
  }
}

// ── The command that judges an endpoint, as `npx` runs it ────────────────────────────────────────────────────────────────

const service = await start({ RATE_CAPACITY: '1000' }, 'examples/express-filesystem/server.ts')
const asked = [service.url, '--token-env', 'TOKEN', '--header', `X-Org-Name: ${service.organization}`]
const folder = join(directory, 'command')
mkdirSync(folder)
writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
process.env['TOKEN'] = service.jwt
run('npx', ['-y', '-p', `file:${tarball('check')}`, 'sallyport-check', ...asked], folder)
console.log('ok  npx sallyport-check')
run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball('check')], folder)
for (const [which, node] of runtimes.entries()) {
  run(node, ['node_modules/@sallyport/check/dist/bin.js', ...asked], folder)
  console.log(`ok  sallyport-check, Node ${nodes[which]}`)
}
await service.end()

function runOnEveryNode(title: string, folder: string, file: string): void {
  for (const [which, node] of runtimes.entries()) {
    run(node, [file], folder)
    console.log(`ok  ${title}, Node ${nodes[which]}`)
  }
}
