import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A fenced block of code in a document. */
export interface Block {
  /** `docs/tokens.md, block 2` */
  readonly title: string
  readonly document: string
  readonly language: string
  /** What the reader has from before: names after `given=` in the fence's first line. */
  readonly given: readonly string[]
  readonly code: string
}

export const root: string = join(import.meta.dirname, '../..')

/** Every document that a reader may meet. */
export const documents: readonly string[] = globSync(
  ['*.md', 'docs/*.md', 'packages/*/README.md', 'examples/*/README.md'],
  { cwd: root },
).toSorted()

export const textOf = (document: string): string => readFileSync(join(root, document), 'utf8')

export const blocks: readonly Block[] = documents.flatMap((document) =>
  [...textOf(document).matchAll(/^```(\w*)(?: given=([\w,]+))?\n(.*?)^```$/gms)].map(
    ([, language = '', given = '', code = ''], index) => ({
      title: `${document}, block ${index + 1}`,
      document,
      language,
      given: given.split(',').filter((name) => name !== ''),
      code,
    }),
  ),
)

/** The only block of a language in a document. */
export function onlyBlock(document: string, language: string): string {
  const [block, ...others] = blocks.filter((one) => one.document === document && one.language === language)
  if (!block || others.length > 0) throw new Error(`${document} must have one block of ${language}`)
  return block.code
}
