import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A name that a module exports. */
export interface ExportedName {
  readonly name: string
  readonly file: string
  /** The docstring directly above it. Absent: there is none. */
  readonly docstring?: string
}

/** A module that hosts import. */
export interface EntryPoint {
  /** `@sallyport/core/testing` */
  readonly name: string
  readonly file: string
}

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

const source = '@sallyport/source'

/** The entry points of every package that is published. */
export function entryPoints(root = '.'): readonly EntryPoint[] {
  return globSync(join(root, 'packages/*/package.json'))
    .toSorted()
    .flatMap((path) => {
      const { name, private: unpublished, exports = {} } = JSON.parse(readFileSync(path, 'utf8')) as Manifest
      if (unpublished) return []
      return Object.entries(exports).flatMap(([subpath, target]) =>
        typeof target === 'string' || target[source] === undefined
          ? []
          : [{ name: `${name}${subpath.slice(1)}`, file: join(dirname(path), target[source]) }],
      )
    })
}

/** The names that a file exports, its re-exports included. */
export function exportedNames(file: string): readonly ExportedName[] {
  const text = readFileSync(file, 'utf8')
  const own = [...text.matchAll(declaration)].map(([, before, name = '']) => describe(name, file, before))
  const reExported = [...text.matchAll(/^export (?:type )?\{([^}]+)\} from '(\.[^']+)'/gm)].flatMap(
    ([, names = '', path = '']) => {
      const wanted = names.split(',').map((name) => name.replace('type ', '').trim())
      const there = exportedNames(join(dirname(file), path))
      return wanted
        .filter((name) => name !== '')
        .map((name) => there.find((one) => one.name === name) ?? { name, file: path })
    },
  )
  return [...own, ...reExported]
}

const declaration =
  /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm

const describe = (name: string, file: string, docstring: string | undefined): ExportedName =>
  docstring === undefined ? { name, file } : { name, file, docstring }
