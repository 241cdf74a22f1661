import { join } from 'node:path'

import type { Case } from './src/compare.ts'
import { readExampleArguments, exampleServers, type ExampleServerName } from './src/example-cases.ts'
import { examples, startExample } from './src/example-server.ts'
// Measures the examples as they are shipped, beside stacks with equal duties: `pnpm bench:examples`.
import { commandOf, runOf } from './src/part.ts'
import { isInstalled } from './src/pinned.ts'
import { type Comparison, type Contender, race } from './src/race.ts'
import { comparisonSection, howCompared, listed } from './src/report.ts'
import { openScene, requestText } from './src/scene.ts'
import { startServer } from './src/start-server.ts'
import { plainText } from './src/tables.ts'
import { writePart } from './src/write-part.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const given = process.argv.slice(2)
const { cases, servers, rounds, warmUpSeconds, write, profileFolder } = readExampleArguments(given)
if (!isInstalled('taskset', '--version')) throw new Error('taskset is needed: it gives each side its core')
const nodeOptions = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]

const scene = await openScene()
const comparisons: Comparison[] = []
try {
  for (const work of cases) {
    const comparison = await measure(work)
    comparisons.push(comparison)
    print(`\n${work.title}\n${plainText(comparisonSection(comparison).table)}\n`)
  }
} finally {
  await scene.close()
}
if (write) {
  await writePart({
    name: 'examples',
    title: 'The examples as they are shipped',
    words: `${howCompared(rounds)}

${listed(exampleServers)}

The examples and the stacks have equal duties at every request: they verify an RS256 token, compare the organization and the
scope, count a quota, find the export in a SQLite catalogue of 10,000 rows, and write one line to a log file. The examples also
look the organization up and limit concurrent downloads. They run with Node's options of their \`start\` scripts, and
set \`UV_THREADPOOL_SIZE\` themselves. The bare server does none of this.`,
    sections: comparisons.map(comparisonSection),
    run: runOf(commandOf('bench:examples', given), new Date()),
    figures: comparisons,
  })
}

async function measure(work: Case): Promise<Comparison> {
  const exportId = await scene.addFile(work.bytes, 'written')
  const [token = ''] = await scene.tokens(1)
  const contenders = servers.map((name) => contenderOf(name, exportId, token))
  return race(work, contenders, { baseline: 'bare', rounds, warmUpSeconds, tell: print })
}

function contenderOf(name: ExampleServerName, exportId: string, token: string): Contender {
  const requests = (place?: string) => [requestText(exportId, token, place)]
  if (name === 'example-express' || name === 'example-koa') {
    const example = name === 'example-express' ? 'express-filesystem' : 'koa-s3'
    return {
      name,
      requests: requests(examples[example]),
      start: () => startExample(example, scene, undefined, nodeOptions),
    }
  }
  const { settings, folder, catalogue } = scene
  const duties = { catalogue, log: join(folder, `${name}.log`) }
  const environment = { BENCH_DUTIES: JSON.stringify(duties) }
  return {
    name,
    requests: requests(),
    start: () => startServer(name, settings, folder, { nodeOptions, environment }),
  }
}
