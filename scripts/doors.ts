import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A name that a package shows to its hosts. */
export interface Shown {
  readonly name: string
  readonly file: string
  /** What stands directly above it in the source. Absent: nothing. */
  readonly docstring?: string
}

interface Manifest {
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

const source = '@sallyport/source'

/** The files behind the doors of every package that is published. */
export function doorFiles(root = '.'): readonly string[] {
  return globSync(join(root, 'packages/*/package.json')).flatMap((path) => {
    const { private: kept, exports = {} } = JSON.parse(readFileSync(path, 'utf8')) as Manifest
    if (kept) return []
    return Object.values(exports).flatMap((door) =>
      typeof door === 'string' || door[source] === undefined ? [] : [join(dirname(path), door[source])],
    )
  })
}

/** What a file shows, with what it passes on from others. */
export function shownBy(file: string): readonly Shown[] {
  const text = readFileSync(file, 'utf8')
  const own = [...text.matchAll(declaration)].map(([, before, name = '']) => describe(name, file, before))
  const passedOn = [...text.matchAll(/^export (?:type )?\{([^}]+)\} from '(\.[^']+)'/gm)].flatMap(
    ([, names = '', path = '']) => {
      const wanted = names.split(',').map((name) => name.replace('type ', '').trim())
      const there = shownBy(join(dirname(file), path))
      return wanted
        .filter((name) => name !== '')
        .map((name) => there.find((one) => one.name === name) ?? { name, file: path })
    },
  )
  return [...own, ...passedOn]
}

const declaration =
  /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm

const describe = (name: string, file: string, docstring: string | undefined): Shown =>
  docstring === undefined ? { name, file } : { name, file, docstring }
