import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

// The floors that CONTRIBUTING draws, those that the linter holds, and those that the sources keep.

const inside = 'packages/core/src'
const contributing = readFileSync('CONTRIBUTING.md', 'utf8')

/** The rooms of core, top floor first: `steps`, `ports.ts` … */
export function drawnFloors(): readonly (readonly string[])[] {
  const drawing = /```\n(examples\n.*?)```/s.exec(contributing)?.[1] ?? ''
  return drawing
    .split('\n')
    .filter((line) => line.startsWith('core/'))
    .map((line) => (line.split(/ {3,}/)[0] ?? '').split(/ +/).map((room) => room.replace('core/', '')))
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

/** What of core's other rooms the linter lets a room import, by room. */
export function heldFloors(): ReadonlyMap<string, readonly string[]> {
  const { overrides } = JSON.parse(readFileSync('.oxlintrc.json', 'utf8')) as {
    overrides: readonly Override[]
  }
  const held = new Map<string, readonly string[]>()
  for (const { files, rules } of overrides) {
    const [file = ''] = files
    const rule = rules['no-restricted-imports']
    if (!file.startsWith(`${inside}/`) || file === `${inside}/**` || !Array.isArray(rule)) continue
    const outside = file.endsWith('/**') ? '../' : './'
    const groups = (rule as readonly [string, { patterns: readonly { group: readonly string[] }[] }])[1]
      .patterns
    const closed = groups.find(({ group }) => group.includes(`${outside}**`))
    if (closed)
      held.set(
        roomOf(file),
        closed.group
          .filter((one) => one.startsWith(`!${outside}`))
          .map((one) => roomOf(one.slice(1 + outside.length))),
      )
  }
  return held
}

/** Every import of one room of core by another. */
export function keptFloors(): readonly {
  readonly file: string
  readonly from: string
  readonly to: string
}[] {
  return globSync(`${inside}/**/*.ts`).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:from|import) '(\.[^']+)'/g)]
      .map(([, path = '']) => ({ file, from: roomOf(file), to: roomOf(join(dirname(file), path)) }))
      .filter(({ from, to }) => from !== to),
  )
}

/** `zod` → `['check-options.ts']`, as CONTRIBUTING says. */
export function drawnHomes(): ReadonlyMap<string, readonly string[]> {
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

/** The rooms of core that import a library. */
export const livesIn = (library: string): readonly string[] => [
  ...new Set(
    globSync(`${inside}/**/*.ts`)
      .filter((file) => readFileSync(file, 'utf8').includes(` from '${library}'`))
      .map(roomOf),
  ),
]

/** The rooms of core that there are. */
export const rooms = (): readonly string[] => [...new Set(globSync(`${inside}/**/*.ts`).map(roomOf))]

const roomOf = (path: string): string => {
  const [room = ''] = (path.startsWith(inside) ? relative(inside, path) : path).split('/')
  return room
}
