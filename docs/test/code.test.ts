import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { entryPoints, exportedNames } from '../../scripts/entry-points.ts'
import { blocks, root, textOf } from './blocks.ts'
import { given } from './given.ts'

// Every block of code in the documents, by its language. What is run besides has a test of its own.

// `typescript`: declarations in the generated reference.md.
const proxies = ['nginx', 'haproxy', 'vcl', 'apache', 'caddyfile', 'squid', 'lighttpd']
// sql is run by postgres.test.ts. console: commands that need the reader's own deployment.
const known = new Set(['', 'ts', 'typescript', 'sh', 'json', 'yaml', 'http', 'sql', 'console', ...proxies])
const of = (language: string): typeof blocks => blocks.filter((block) => block.language === language)

/** What examples take for granted. */
const around = `import { createIntrospectionVerifier, createJwtVerifier } from '@sallyport/core'
import { adapterContract, storeContract } from '@sallyport/core/testing'
declare const clientSecret: string
declare const open: Parameters<typeof storeContract>[0]
declare const secret: string
declare const serve: Parameters<typeof adapterContract>[0]
declare const test: (title: string, run: () => Promise<void>) => void
`

/** The examples in docstrings, each with the name that it shows. */
const examples = entryPoints(root).flatMap(({ name: entryPoint, file }) =>
  exportedNames(file).flatMap(({ name, docstring = '' }) => {
    const [, text] = /^ \* @example\n([^]*?)(?=^ \* @|^ \*\n \* @|^ \*\/)/m.exec(docstring) ?? []
    if (text === undefined) return []
    const imports = around.includes(` ${name}`) ? '' : `import { ${name} } from '${entryPoint}'\n`
    return [{ name, code: `${around}${imports}${text.replaceAll(/^ \* ?/gm, '')}` }]
  }),
)

test('every block is in a language that is checked here', () => {
  expect(blocks.filter(({ language }) => !known.has(language))).toEqual([])
})

test(
  'ts: every block and every example in a docstring compiles, strictly, against the sources',
  { timeout: 120_000 },
  () => {
    const folder = join(root, 'docs/node_modules/.cache/blocks')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const config = {
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        customConditions: ['@sallyport/source'],
        skipLibCheck: true,
        noPropertyAccessFromIndexSignature: false,
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: ['*.ts'],
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, exclude: [] }))
    for (const { title, code, given: names } of of('ts')) {
      const file = `${title.replaceAll(/\W+/g, '-')}.ts`
      const before = [...names.map((name) => given[name]), 'export {}']
      writeFileSync(join(folder, file), [...before, code].join('\n'))
    }
    for (const { name, code } of examples) writeFileSync(join(folder, `example-${name}.ts`), code)
    expect(examples.length).toBeGreaterThan(3)
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], {
      encoding: 'utf8',
      cwd: root,
    })
    expect(`${stdout}${stderr}`).toBe('')
  },
)

test('ts: no block, example or docstring copies the ids of a record from the question', () => {
  const copied =
    /\bid: (?:query\.)?exportId\b|\bexportId: id\b|\btenantId: (?:query\.)?tenant\.id\b|\bid: tenantId\b/
  const programs = globSync(['examples/*/*.ts', 'scripts/*.ts'], { cwd: root }).map((title) => ({
    title,
    code: textOf(title),
  }))
  expect(programs.length).toBeGreaterThan(3)
  const texts = [...of('ts'), ...examples.map(({ name, code }) => ({ title: name, code })), ...programs]
  expect(texts.filter(({ code }) => copied.test(code)).map(({ title }) => title)).toEqual([])
})

test('ts: what a block takes for granted is known', () => {
  const names = new Set(of('ts').flatMap((block) => block.given))
  expect([...names].toSorted()).toEqual(Object.keys(given).toSorted())
})

describe('sh', () => {
  test.each(of('sh'))('$title parses', ({ code }) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })
})

describe('json', () => {
  test.each(of('json'))('$title parses', ({ code }) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow()
  })
})

describe('yaml', () => {
  test.each(of('yaml'))('$title parses', ({ code }) => {
    expect(parseAllDocuments(code).flatMap(({ errors }) => errors)).toEqual([])
  })
})
