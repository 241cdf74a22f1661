import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { positionCoded } from '@sallyport/core/testing'

import { startChromium } from '../../scripts/servers/chromium.ts'
import { everyProcess, familyOf, parseStatus } from './src/process-stats.ts'

/**
 * Downloads 2 GB with one click in a headless Chromium, paused and resumed at half, and prints the memory of page, browser and server:
 * `pnpm --filter @sallyport/bench bench:browser`. Exits with 1 if the file is not the export. As root, on Debian: apt-get install
 * --no-install-recommends chromium.
 */
const size = 2_000_000_000
const deadlineMs = 50_000

const root = await mkdtemp(path.join(tmpdir(), 'sallyport-browser-download-'))
const source = path.join(root, 'export.jsonl')
const file = await open(source, 'w')
const block = positionCoded(1_048_576)
for (let at = 0; at < size; at += 100_000_000) await file.write(block, 0, block.length, at)
await file.truncate(size) // the rest is a hole
await file.close()

const script = fileURLToPath(new URL('servers/browser-download.ts', import.meta.url))
const options = ['--conditions=@sallyport/source', '--max-semi-space-size=16', script, root]
const server = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] })
const [port] = /\d+/.exec(String(await once(createInterface(server.stdout), 'line'))) ?? []

let exact = false
{
  await using browser = await startChromium()
  const tab = await browser.open(`http://127.0.0.1:${port}/`)
  const [renderers, browserPids] = [await pidsOf(browser.pid, '--type=renderer'), [browser.pid]]
  const seen: (readonly [server: number, browser: number, page: number])[] = []
  const sample = async (): Promise<void> => {
    seen.push([
      await residentBytes([server.pid ?? 0]),
      await residentBytes(browserPids),
      await residentBytes(renderers),
    ])
  }
  for (let n = 0; n < 5; n++) {
    await sample()
    await pass(200)
  }
  const sampling = setInterval(() => void sample(), 200)
  const begun = performance.now()
  await tab.click('button')
  const half = await browser.download(({ receivedBytes }) => receivedBytes >= size / 2)
  await browser.pauseOrResume()
  await pass(1_000)
  const paused = await browser.download(() => true)
  await pass(1_000)
  const later = await browser.download(() => true)
  await browser.pauseOrResume()
  const saved = path.join(browser.folder, 'export.jsonl')
  while (performance.now() - begun < deadlineMs && (await sizeOf(saved)) !== size) await pass(200)
  const seconds = (performance.now() - begun) / 1_000
  clearInterval(sampling)
  const [idle, ending] = [seen.slice(0, 5), seen.slice(5)]
  const heap = Number(await tab.run('performance.memory.usedJSHeapSize'))
  exact = spawnSync('cmp', [source, saved]).status === 0
  const line = (what: string, at: 0 | 1 | 2): string => {
    const [before, after] = [idle, ending].map((samples) => samples.map((one) => one[at]))
    return `${what}: ${mib(Math.max(...(before ?? [])))} MiB before the click, ${mib(Math.max(...(after ?? [])))} MiB at most after it`
  }
  process.stdout
    .write(`${size} bytes in ${seconds.toFixed(1)} s, pauses included; the file is ${exact ? 'exact' : 'NOT the export'}
half at ${half.receivedBytes} bytes; paused at ${paused.receivedBytes}, a second later ${later.receivedBytes}
${line('server (RSS)', 0)}
${line("browser's main process (RSS)", 1)}
${line('renderers of the pages that were open at the click (RSS)', 2)}
JavaScript heap of the page at the end: ${mib(heap)} MiB
`)
}
server.kill()
await rm(root, { recursive: true })
process.exitCode = exact ? 0 : 1

async function residentBytes(pids: readonly number[]): Promise<number> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')))
  return texts.reduce((sum, text) => sum + parseStatus(text, 'VmRSS'), 0)
}

/** The processes below a process whose command line has this argument. */
async function pidsOf(parent: number, argument: string): Promise<readonly number[]> {
  const pids = familyOf(parent, everyProcess()).map(({ pid }) => pid)
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, n) => lines[n]?.includes(argument))
}

async function sizeOf(name: string): Promise<number> {
  return (await stat(name).catch(() => ({ size: 0 }))).size
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1)
}
