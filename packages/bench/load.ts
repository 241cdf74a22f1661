// The process of the load generator: reads a job from stdin and writes the result to stdout.
import { text } from 'node:stream/consumers'

import { anyJob, runLoad } from './src/load.ts'
import { parseMessage } from './src/message.ts'

const job = parseMessage(await text(process.stdin), anyJob)
process.stdout.write(JSON.stringify(await runLoad(job)))
