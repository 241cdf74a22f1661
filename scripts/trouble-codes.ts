import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const ports = ['verifier', 'tenants', 'catalogue', 'store', 'limiter', 'audit'] as const

/** Every code that a `trouble` event can have, as the sources of the packages say. */
export function troubleCodes(): readonly string[] {
  const files = globSync('packages/*/src/**/*.ts', { cwd: root }).filter(
    (file) => !file.includes('/testing/'),
  )
  const codes = files.flatMap((file) => codesIn(readFileSync(join(root, file), 'utf8')))
  return [...new Set(codes)]
}

const codesIn = (text: string): readonly string[] => [
  ...found(text, /\bport: '\w+', code: '(\w+)'/g),
  ...found(text, /\btell\('(\w+)'/g),
  ...found(text, /\btrouble\('\w+', '(\w+)'/g),
  ...suffixes(text).flatMap((suffix) => ports.map((port) => `${port}_${suffix}`)),
  // An outage of the limiter is called after what it does then; an end of the delivery is called after itself.
  ...(text.includes('createOutage(`limiter_${onOutage}`)') ? ['limiter_local', 'limiter_closed'] : []),
  ...(text.includes("trouble: { port: 'store', code }")
    ? found(text.split('switch (code)')[1]?.split("case 'failed'")[0] ?? '', /case '(\w+)':/g)
    : []),
]

/** What stands behind `${port}_` in a template, or behind `code` where it is looked up in a table. */
const suffixes = (text: string): readonly string[] => [
  ...found(text, /`\$\{port\}_(\w+)`/g),
  ...(text.includes('`${port}_${code}`')
    ? found(/const faults[^{]*\{(.*?)\n\}/s.exec(text)?.[1] ?? '', /: '(\w+)'/g)
    : []),
]

const found = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, code = '']) => code)
