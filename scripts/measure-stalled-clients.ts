import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { authorization, key, path } from '../packages/storage/test/exact-bytes/guarded.ts'

/**
 * Measures what a client that requests a large export and then reads nothing costs the server: `node --conditions=@sallyport/source
 * scripts/measure-stalled-clients.ts [clients]`. Exits with 1 if that is more than 128 KiB of resident memory, if a client
 * was dropped, or if other clients were not served.
 *
 * The server runs with the documented settings. V8's young generation, which grows with the garbage of a burst and not with the
 * clients, is limited to 16 MiB. The kernel's memory is limited only by `net.ipv4.tcp_wmem`; it is printed, too.
 */
const clients = Number(process.argv[2] ?? 1_000)
const size = 1_073_741_824
const most = 131_072

const root = await mkdtemp(join(tmpdir(), 'sallyport-stalled-'))
const file = await open(join(root, key), 'w')
await file.truncate(size)
await file.close()

const script = fileURLToPath(new URL('../packages/storage/test/exact-bytes/server.ts', import.meta.url))
const server = spawn(
  process.execPath,
  ['--conditions=@sallyport/source', '--max-semi-space-size=16', script, root],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
const lines = createInterface(server.stdout)
const [port] = (await once(lines, 'line')).map(Number) as [number]
const seen = { started: 0, broken: 0 }
const heaps: Heap[] = []
lines.on('line', (line) => {
  if (line.includes('"memory"')) heaps.push(JSON.parse(line) as Heap)
  else if (line.includes('"download_started"')) seen.started += 1
  else if (!line.includes('"outcome":"completed"')) seen.broken += 1
})
const cgroup = ownCgroup(server)

for (let n = 0; n < 300; n++) await fetchPart(1_048_576)
await standsStill()
const idle = await memoryOf(server)
seen.started = 0

const sockets = await Promise.all(Array.from({ length: clients }, stalledClient))
while (seen.started < clients) await pass(50)
await standsStill()
const stalled = await memoryOf(server)

const times: number[] = []
for (let n = 0; n < 20; n++) {
  const begun = performance.now()
  await fetchPart(8_388_608)
  times.push(performance.now() - begun)
}
const connected = sockets.filter((socket) => !socket.destroyed && socket.readyState === 'open').length

const each = (what: keyof Memory): string => {
  const [before, after] = [idle[what], stalled[what]]
  if (before === undefined || after === undefined) return 'unknown on this system'
  return `${kib(before)} idle, ${kib(after)} stalled: ${((after - before) / clients / 1_024).toFixed(1)} KiB each`
}
const perClient = (stalled.resident - idle.resident) / clients
const slowest = Math.max(...times)
process.stdout.write(
  `${clients} clients asked for ${size} bytes and read none; ${connected} are connected, ${seen.broken} were dropped
the server's own memory: ${each('own')}
all that is resident (RSS): ${each('resident')}
of that, V8's nursery: ${each('nursery')}
its cgroup, page cache aside: ${each('cgroup')}
of that, sockets: ${each('cgroupSockets')}
sockets of this machine, both ends: ${each('sockets')}, tcp_wmem ${sysctl('tcp_wmem')}, tcp_rmem ${sysctl('tcp_rmem')}
others meanwhile: 20 downloads of 8 MiB, each in ${median(times).toFixed(0)} ms, the slowest in ${slowest.toFixed(0)} ms
`,
)
const holds = perClient <= most && connected === clients && seen.broken === 0
process.stdout.write(holds ? 'within 128 KiB each\n' : 'MISSED: 128 KiB each, no client dropped\n')
process.exitCode = holds ? 0 : 1

for (const socket of sockets) socket.destroy()
server.kill('SIGKILL')
await once(server, 'exit')
if (cgroup) rmdirSync(cgroup)
await rm(root, { recursive: true })

/** Bytes. */
interface Memory {
  readonly own: number
  readonly resident: number
  readonly nursery: number
  readonly cgroup?: number
  readonly cgroupSockets?: number
  readonly sockets: number
}
type Heap = Readonly<Record<'rss' | 'nursery', number>>

async function memoryOf(server: ChildProcess): Promise<Memory> {
  const before = heaps.length
  server.kill('SIGUSR2')
  while (heaps.length === before) await pass(10)
  const { rss, nursery } = heaps.at(-1) ?? { rss: Number.NaN, nursery: Number.NaN }
  return {
    own: rss - nursery,
    resident: rss,
    nursery,
    sockets: socketBytes(),
    ...(cgroup && ofCgroup(cgroup)),
  }
}

function socketBytes(): number {
  return Number(/^TCP:.* mem (\d+)$/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]) * 4_096
}

function ofCgroup(folder: string): Pick<Memory, 'cgroup' | 'cgroupSockets'> {
  const number = (name: string): number => Number(readFileSync(join(folder, name), 'utf8'))
  const stat = (name: string): number =>
    Number(
      new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(join(folder, 'memory.stat'), 'utf8'))?.[1] ?? 0,
    )
  if (folder.startsWith('/sys/fs/cgroup/memory/')) {
    const sockets = number('memory.kmem.tcp.usage_in_bytes')
    return { cgroup: number('memory.usage_in_bytes') - stat('cache') + sockets, cgroupSockets: sockets }
  }
  return { cgroup: number('memory.current') - stat('file'), cgroupSockets: stat('sock') }
}

/** Creates a memory cgroup for the server, version 2 or version 1, if that is permitted. */
function ownCgroup({ pid }: ChildProcess): string | undefined {
  const mine = readFileSync('/proc/self/cgroup', 'utf8')
  const [one, two] = [/^\d+:memory:(.*)$/m.exec(mine)?.[1], /^0::(.*)$/m.exec(mine)?.[1] ?? '']
  const parent = one === undefined ? join('/sys/fs/cgroup', two) : join('/sys/fs/cgroup/memory', one)
  const folder = join(parent, `sallyport-stalled-${pid}`)
  try {
    mkdirSync(folder)
    // Version 1 counts sockets only if a limit is set.
    if (one !== undefined) writeFileSync(join(folder, 'memory.kmem.tcp.limit_in_bytes'), String(2 ** 40))
    writeFileSync(join(folder, 'cgroup.procs'), String(pid))
    return folder
  } catch {
    return undefined
  }
}

async function stalledClient(): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.pause()
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: ${authorization}\r\n\r\n`)
  return socket
}

async function fetchPart(bytes: number): Promise<void> {
  const headers = { authorization, range: `bytes=0-${bytes - 1}` }
  const client = request({ host: '127.0.0.1', port, path, headers, agent: false }).end()
  const [response] = (await once(client, 'response')) as [AsyncIterable<Buffer>]
  let read = 0
  for await (const chunk of response) read += chunk.length
  if (read !== bytes) throw new Error(`${read} bytes of ${bytes}`)
}

/** Waits until resident and socket memory are unchanged for two seconds. */
async function standsStill(): Promise<void> {
  for (let since = 0, last = 0; since < 20; since += 1) {
    await pass(100)
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
    const now = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024 + socketBytes()
    if (Math.abs(now - last) > last / 200) since = 0
    last = now
  }
}

function kib(bytes: number): string {
  return `${Math.round(bytes / 1_024)} KiB`
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}

function sysctl(name: string): string {
  return readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').trim().replaceAll(/\s+/g, ' ')
}
