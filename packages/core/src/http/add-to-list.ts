import { listElements } from './field-list.ts'

/**
 * Two values of one list field → one value with the elements of both: those of `present` first, then those of `added`
 * that it lacks, compared without regard to case (RFC 9110 §5.3). `*` in either is the whole of `Vary` (§12.5.5).
 *
 * Elements are told apart at commas, so only for fields whose elements are tokens.
 */
export function addToList(present: string, added: string): string {
  const elements = listElements(present)
  const known = new Set(elements.map((element) => element.toLowerCase()))
  const more = listElements(added).filter((element) => !known.has(element.toLowerCase()))
  const all = [...elements, ...more]
  return all.includes('*') ? '*' : all.join(', ')
}
