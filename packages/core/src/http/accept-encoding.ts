import { listElements } from './field-list.ts'

const longestField = 1_024

/**
 * Whether the client takes the content coding gzip, by the value of `Accept-Encoding` (RFC 9110 §12.5.3). `x-gzip` is
 * gzip (§8.4.1.3), and `*` stands for it where neither is named; a weight of 0 refuses it.
 *
 * `false` also where the field is absent, malformed or longer than 1,024 characters. Absent means "any coding" to the RFC;
 * but who names none, like a plain script, mostly decodes none, and a file that is kept as it is can always be read.
 */
export function acceptsGzip(value: string | undefined): boolean {
  if (value === undefined || value.length > longestField) return false
  const gzip: number[] = []
  const any: number[] = []
  for (const element of listElements(value)) {
    const [, coding, weight = '1'] =
      /^([\w!#$%&'*+.^`|~-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i.exec(element) ?? []
    if (coding === undefined) return false
    if (/^(?:x-)?gzip$/i.test(coding)) gzip.push(Number(weight))
    if (coding === '*') any.push(Number(weight))
  }
  const decisive = gzip.length > 0 ? gzip : any
  // Named twice and once refused: what is surely readable is the file as it is.
  return decisive.length > 0 && decisive.every((weight) => weight > 0)
}
