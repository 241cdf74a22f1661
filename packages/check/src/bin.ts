#!/usr/bin/env node
import { run } from './cli.ts'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort())
// A reader such as `head` may close the pipe first. The exit status is the verdict all the same.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(`sallyport-check: needs Node 22.12 or later; this is ${process.versions.node}\n`)
  process.exitCode = 2
} else {
  process.exitCode = await run(process.argv.slice(2), {
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupt.signal,
  })
}
