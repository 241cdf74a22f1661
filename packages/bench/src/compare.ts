import { type Comparison, type Contender, race, type Terms, type Work } from './race.ts'
import { requestText, type Scene } from './scene.ts'
import type { ServerName } from './servers.ts'
import { startServer } from './start-server.ts'

/** One case: a file size, and the number of users. */
export interface Case extends Work {
  readonly tokens: number
}

/** The servers, and their settings. */
export interface CaseTerms extends Omit<Terms, 'baseline'> {
  readonly servers: readonly ServerName[]
  /** The folder for the CPU profiles of the servers. Absent: no profiles. */
  readonly profileFolder?: string
}

/** Measures every server with the same file and users. */
export async function compare(work: Case, scene: Scene, terms: CaseTerms): Promise<Comparison> {
  const exportId = await scene.addFile(work.bytes, 'written')
  const requests = (await scene.tokens(work.tokens)).map((token) => requestText(exportId, token))
  const nodeOptions = profileOptions(terms)
  const contenders: readonly Contender[] = terms.servers.map((name) => ({
    name,
    requests,
    start: () => startServer(name, scene.settings, scene.folder, { nodeOptions }),
  }))
  return race(work, contenders, { ...terms, baseline: 'bare' })
}

const profileOptions = ({ profileFolder }: CaseTerms): readonly string[] =>
  profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
