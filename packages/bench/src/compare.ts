import { type Comparison, type Contender, race, type Terms, type Work } from './race.ts'
import { requestText, type Scene } from './scene.ts'
import type { ServerName } from './servers.ts'
import { startServer } from './start-server.ts'

/** One row of work: a size of file, and how many users ask for it. */
export interface Case extends Work {
  readonly tokens: number
}

/** Which servers, and how. */
export interface CaseTerms extends Omit<Terms, 'baseline'> {
  readonly servers: readonly ServerName[]
  /** Where each server leaves a CPU profile. Absent: nowhere. */
  readonly profileFolder?: string
}

/** Has every server send the same file to the same users. */
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
