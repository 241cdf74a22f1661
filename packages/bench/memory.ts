// What many downloads hold in memory: `pnpm bench:memory`, or with other numbers, as in `pnpm bench:memory --stalled 1000`.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'

import { type LongDelivery, measureLongDelivery } from './src/long-delivery.ts'
import { measureMoving, measureStalled } from './src/memory.ts'
import { openScene } from './src/scene.ts'
import { isServerName } from './src/servers.ts'
import { figure, plainText } from './src/tables.ts'

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'sallyport-node' },
    stalled: { type: 'string', default: '10000' },
    moving: { type: 'string', default: '2000' },
    chunks: { type: 'string', default: '3000000' },
  },
})
const { server } = values
if (!isServerName(server)) throw new TypeError(`--server: ${server} is none of ours`)

const megabytes = (bytes: number): string => `${figure(bytes / 1_000_000)} MB`
const print = (title: string, rows: readonly (readonly string[])[]): void =>
  void process.stdout.write(`${plainText({ head: [title, ''], rows })}\n\n`)

const collect = globalThis.gc
if (!collect) throw new Error('memory.ts is run with --expose-gc')
const long: LongDelivery = await measureLongDelivery(Number(values.chunks), collect)
print('one long download', [
  ['chunks of 1 KiB', long.chunks.toLocaleString('en')],
  ['heap at a tenth', megabytes(long.earlyBytes)],
  ['heap at the end', megabytes(long.lateBytes)],
])

// Node has raised its soft limit to the hard one; a download takes a socket and a file.
const descriptors = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }))
const most = Number.isNaN(descriptors) ? Infinity : Math.floor((descriptors - 100) / 2)
const clients = Math.min(Number(values.stalled), most)
if (clients < Number(values.stalled)) {
  process.stdout.write(`this system allows ${descriptors} descriptors a process, so ${clients} downloads\n\n`)
}

const scene = await openScene()
try {
  const stalled = await measureStalled(server, clients, scene)
  print('stalled downloads of 1 GiB', [
    ['clients', stalled.clients.toLocaleString('en')],
    ['refused or broken', String(stalled.failures)],
    ['gone before the look', String(stalled.lost)],
    ['resident, idle', megabytes(stalled.idleBytes)],
    ['resident, all stalled', megabytes(stalled.residentBytes)],
    ['in the kernel, all sockets', megabytes(stalled.socketBytes)],
  ])
  const moving = await measureMoving(server, Math.min(Number(values.moving), most), 8_388_608, scene)
  print('moving downloads of 8 MiB', [
    ['clients at once', moving.clients.toLocaleString('en')],
    ['whole answers', moving.answers.toLocaleString('en')],
    ['failures', String(moving.failures)],
    ['seconds', figure(moving.elapsedMs / 1_000)],
    ['peak resident', megabytes(moving.peakBytes)],
  ])
} finally {
  await scene.close()
}
