import { formatMarkdownTable } from '../docs-tables.ts'
import { checkEndpoint } from '../src/check-endpoint.ts'
import type { Report } from '../src/report/report.ts'
import { makeFile, peers } from './peers.ts'

const words = { pass: '', skip: '', warn: 'warns', fail: '**fails**' }

/** Judges the servers that are installed by the rules of the standards. Resolves with their reports by name. */
export async function judgePeers(): Promise<ReadonlyMap<string, Report>> {
  const made = await makeFile()
  const reports = new Map<string, Report>()
  try {
    for (const { name, isHere, start } of peers) {
      if (!isHere) continue
      const peer = await start(made.file)
      try {
        reports.set(name, await checkEndpoint(peer.url, { profile: 'generic', full: true }))
      } finally {
        await peer.close()
      }
    }
  } finally {
    await made.remove()
  }
  return reports
}

/** A row for every check that one of them does not pass. */
export function peersTable(reports: ReadonlyMap<string, Report>): string {
  const columns = [...reports.values()].map(({ checks }) => checks)
  const cellsOf = (id: string): readonly string[] =>
    columns.map((checks) => words[checks.find((one) => one.id === id)?.verdict ?? 'skip'])
  const rows = (columns[0] ?? [])
    .map(({ id, title }) => [[`\`${id}\``, title], cellsOf(id)])
    .filter(([, cells = []]) => cells.some((cell) => cell !== ''))
  const head = ['check', 'rule', ...reports.keys()]
  return formatMarkdownTable([head, ...rows.map((row) => row.flat())])
}
