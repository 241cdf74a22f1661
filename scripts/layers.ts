import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

// The layers in CONTRIBUTING, in the linter's configuration, and in the sources.

const inside = 'packages/core/src'
const contributing = readFileSync('CONTRIBUTING.md', 'utf8')

/** The folders and files of core, top layer first: `steps`, `ports.ts` … */
export function documentedLayers(): readonly (readonly string[])[] {
  const drawing = /```\n(examples\n.*?)```/s.exec(contributing)?.[1] ?? ''
  return drawing
    .split('\n')
    .filter((line) => line.startsWith('core/'))
    .map((line) => (line.split(/ {3,}/)[0] ?? '').split(/ +/).map((folder) => folder.replace('core/', '')))
}

interface Override {
  readonly files: readonly string[]
  readonly rules: Readonly<
    Record<
      string,
      string | readonly [string, { readonly patterns: readonly { readonly group: readonly string[] }[] }]
    >
  >
}

/** The other folders of core that the linter allows each folder to import. */
export function lintedLayers(): ReadonlyMap<string, readonly string[]> {
  const { overrides } = JSON.parse(readFileSync('.oxlintrc.json', 'utf8')) as {
    overrides: readonly Override[]
  }
  const linted = new Map<string, readonly string[]>()
  for (const { files, rules } of overrides) {
    const [file = ''] = files
    const rule = rules['no-restricted-imports']
    if (!file.startsWith(`${inside}/`) || file === `${inside}/**` || !Array.isArray(rule)) continue
    const outside = file.endsWith('/**') ? '../' : './'
    const groups = (rule as readonly [string, { patterns: readonly { group: readonly string[] }[] }])[1]
      .patterns
    const closed = groups.find(({ group }) => group.includes(`${outside}**`))
    if (closed)
      linted.set(
        folderOf(file),
        closed.group
          .filter((one) => one.startsWith(`!${outside}`))
          .map((one) => folderOf(one.slice(1 + outside.length))),
      )
  }
  return linted
}

/** All imports between folders of core. */
export function folderImports(): readonly {
  readonly file: string
  readonly from: string
  readonly to: string
}[] {
  return globSync(`${inside}/**/*.ts`).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:from|import) '(\.[^']+)'/g)]
      .map(([, path = '']) => ({ file, from: folderOf(file), to: folderOf(join(dirname(file), path)) }))
      .filter(({ from, to }) => from !== to),
  )
}

/** The folders that may import each library, as in CONTRIBUTING: `zod` → `['check-options.ts']`. */
export function documentedHomes(): ReadonlyMap<string, readonly string[]> {
  const [, sentence = ''] = /A third-party library has one home: ([^]*?)\. /.exec(contributing) ?? []
  return new Map(
    [...sentence.matchAll(/([\w-]+) in\s+((?:`[^`]+`(?:\s+and\s+)?)+)/g)].map(
      ([, library = '', homes = '']) => [
        library === 'boom' ? '@hapi/boom' : library,
        [...homes.matchAll(/`([^`]+)`/g)].map(([, home = '']) => home.replace(/\/$/, '')),
      ],
    ),
  )
}

/** The folders of core that import a library. */
export const foldersImporting = (library: string): readonly string[] => [
  ...new Set(
    globSync(`${inside}/**/*.ts`)
      .filter((file) => readFileSync(file, 'utf8').includes(` from '${library}'`))
      .map(folderOf),
  ),
]

/** All folders and files of core's sources. */
export const folders = (): readonly string[] => [...new Set(globSync(`${inside}/**/*.ts`).map(folderOf))]

const folderOf = (path: string): string => {
  const [folder = ''] = (path.startsWith(inside) ? relative(inside, path) : path).split('/')
  return folder
}
