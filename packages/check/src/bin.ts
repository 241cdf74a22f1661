#!/usr/bin/env node
import { run } from './cli.ts'

const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort())
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
})
