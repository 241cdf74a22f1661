import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { abilities } from './test/servers/abilities.ts'
import { cannot } from './test/servers/runtimes.ts'
import { type Server, starts } from './test/servers/start.ts'
import { tableOf } from './test/servers/table.ts'

// Tries every ability on every runtime, and writes the table of docs/mounting.md: `pnpm --filter @sallyport/fetch-adapter runtimes`.
// Then format it with `pnpm fix`. A reason comes from test/servers/runtimes.ts. One that is missing there is written as `unknown`.

async function isAble(server: Server, run: (server: Server) => Promise<void>): Promise<boolean> {
  try {
    await run(server)
    return true
  } catch {
    return false
  }
}

const documented: Readonly<Record<string, Partial<Readonly<Record<string, string>>>>> = cannot
const found: Record<string, Record<string, string>> = {}
for (const [runtime, start] of Object.entries(starts)) {
  const server = await start()
  const reasons: Record<string, string> = {}
  for (const [title, run] of Object.entries(abilities)) {
    if (!(await isAble(server, run))) reasons[title] = documented[runtime]?.[title] ?? 'unknown'
  }
  await server.stop()
  found[runtime] = reasons
  console.log(runtime, reasons)
}
const page = join(import.meta.dirname, '../../docs/mounting.md')
const [before = '', rest = ''] = readFileSync(page, 'utf8').split('<!-- runtimes -->\n')
const [, after = ''] = rest.split('<!-- end of runtimes -->')
writeFileSync(page, `${before}<!-- runtimes -->\n\n${tableOf(found)}\n\n<!-- end of runtimes -->${after}`)
