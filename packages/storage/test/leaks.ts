import { inspect } from 'node:util'

/**
 * Which of these words a thrown value carries anywhere: in members of any kind, causes and stacks included, or as JSON.
 * A stack is looked through for words only where it does not name our own files.
 */
export function leaksIn(thrown: unknown, words: readonly string[]): readonly string[] {
  const shown = inspect(thrown, { depth: 20, showHidden: true, getters: true })
  const text = `${shown}\n${JSON.stringify(thrown)}`
    .split('\n')
    .filter((line) => !/^\s+at /.test(line))
    .join('\n')
    .toLowerCase()
  return words.filter((word) => text.includes(word.toLowerCase()))
}
