import { execFileSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { parseMessage } from './message.ts'
import { pageOf } from './page.ts'
import type { Part } from './part.ts'

const results = new URL('../results/', import.meta.url)
const docs = new URL('../../../docs/', import.meta.url)
const formatter = fileURLToPath(new URL('../../../node_modules/.bin/oxfmt', import.meta.url))

const anyPart: Part = {
  name: 'servers',
  title: '',
  words: '',
  sections: [],
  run: { command: '', date: '', node: '', cpu: '', cores: 0 },
  figures: {},
}

/** Saves the measurements, and writes `docs/performance.md` and its plots from all saved measurements. */
export async function writePart(part: Part): Promise<void> {
  await mkdir(results, { recursive: true })
  await writeFile(new URL(`${part.name}.json`, results), JSON.stringify(part))
  const names = (await readdir(results)).filter((name) => name.endsWith('.json'))
  const texts = await Promise.all(names.map((name) => readFile(new URL(name, results), 'utf8')))
  const files = pageOf(texts.map((text) => parseMessage(text, anyPart)))
  await rm(new URL('performance/', docs), { recursive: true, force: true })
  await mkdir(new URL('performance/', docs))
  for (const { name, text } of files) await writeFile(new URL(name, docs), text)
  const written = [fileURLToPath(results), fileURLToPath(new URL('performance.md', docs))]
  execFileSync(formatter, written, { stdio: 'ignore' })
  process.stdout.write('docs/performance.md and its plots are written\n')
}
