import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, expect, test } from 'vitest'

import { blocks } from './blocks.ts'
import { runModule, type Running } from './run.ts'

// The blocks of openapi.md that merge the description into another document, each run with its library.

/** A handler for the blocks that take one for granted. */
const options = `
const options = {
  verifier: { verify: async () => { throw new Error('not asked') } },
  tenancy: { mode: 'single', tenant: { id: '1', name: 'acme' } },
  capability: 'exports:download',
  findExport: async () => undefined,
  store: { head: async () => undefined, get: async () => undefined },
}
`
const path = '/exports/{exportId}/download'

const blockWith = (text: string): string => {
  const found = blocks.filter(({ document, code }) => document === 'docs/openapi.md' && code.includes(text))
  const [block] = found
  if (!block || found.length > 1) throw new Error(`docs/openapi.md must have one block with ${text}`)
  return options + block.code
}

interface Merged {
  readonly paths: Readonly<Record<string, { readonly get: { readonly operationId?: string } }>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

let running: Running | undefined
afterEach(async () => {
  await running?.end()
  running = undefined
})

test('into a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'openapi-'))
  const file = join(folder, 'openapi.json')
  const yours = { paths: { '/mine': { get: {} } }, components: { schemas: { Mine: {} } } }
  await writeFile(file, JSON.stringify(yours))
  running =
    await runModule(`${blockWith("readFile('openapi.json'").replaceAll("'openapi.json'", JSON.stringify(file))}
console.log('done')`)
  const merged = JSON.parse(await readFile(file, 'utf8')) as Merged
  await rm(folder, { recursive: true })
  expect(Object.keys(merged.paths)).toEqual(['/mine', path])
  expect(Object.keys(merged.components['schemas'] ?? {})).toEqual(['Mine', 'ExportProblemDetails'])
})

test('with @fastify/swagger', async () => {
  running = await runModule(blockWith('@fastify/swagger'))
  const answer = await fetch(`${running.line}/openapi.json`)
  const merged = (await answer.json()) as Merged
  expect(merged.paths[path]?.get.operationId).toBe('downloadExport')
  expect(Object.keys(merged.components['securitySchemes'] ?? {})).toEqual(['ExportBearer'])
})

test('with zod-openapi', async () => {
  running = await runModule(blockWith('zod-openapi'))
  const merged = JSON.parse(running.line) as Merged
  expect(Object.keys(merged.paths)).toEqual(['/organizations/{id}', path])
  expect(Object.keys(merged.components['schemas'] ?? {}).toSorted()).toEqual([
    'ExportProblemDetails',
    'Organization',
  ])
})
