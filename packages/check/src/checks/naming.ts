import { parse } from 'content-disposition'

import { type Check, fail, must, pass, skip } from '../check.ts'
import { field } from '../exchange.ts'

/** The name and the type of the file that a client saves. */
export const naming: readonly Check[] = [
  {
    id: 'naming.disposition-syntax',
    title: 'Content-Disposition is well-formed, and its name is no path',
    reference: 'RFC 6266 §4',
    consequence: 'It saves the file under the last segment of the URL, or in another directory.',
    judge: (get) => {
      const value = field(get, 'content-disposition')
      if (value === undefined) return skip('the response has no Content-Disposition')
      const problem = problemOf(value)
      return problem === undefined ? pass(value) : fail(`${problem}: ${value}`)
    },
  },
  {
    id: 'naming.attachment',
    title: 'The export is an attachment with a file name',
    reference: 'RFC 6266 §4.2',
    consequence: 'A browser shows the export in place of saving it, or saves it as "download".',
    isOurs: true,
    after: ['naming.disposition-syntax'],
    judge: (get) => {
      const value = field(get, 'content-disposition')
      const right = value !== undefined && /^attachment;/i.test(value) && /filename/i.test(value)
      return must(right, value ?? '', value === undefined ? 'no Content-Disposition' : value)
    },
  },
  {
    id: 'naming.content-type',
    title: 'Whole and part have the same Content-Type',
    reference: 'RFC 9110 §15.3.7',
    consequence: 'It saves the file with the wrong ending.',
    judge: (get, { answer }) => {
      const type = field(get, 'content-type')
      const part = answer('firstRange')
      if (type === undefined) return skip('the response has no Content-Type')
      // A 206 may leave the field out.
      const other = part?.status === 206 ? (field(part, 'content-type') ?? type) : type
      return must(other === type, type, `${type}, and ${other} for a range`)
    },
  },
]

function problemOf(value: string): string | undefined {
  // The parser is as forgiving as browsers are, and not all clients are.
  const parameter = String.raw`\s*;\s*[\w!#$%&'*+.^|~-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;",=]+)`
  if (!new RegExp(`^[\\w-]+(?:${parameter})*\\s*;?\\s*$`).test(value)) return 'malformed'
  try {
    const names = [value, value.replace(/;\s*filename\*=[^;]*/i, '')].map(
      (text) => parse(text).parameters['filename'],
    )
    return names.some((name) => name !== undefined && /[/\\\p{Cc}]/u.test(name)) ? 'a path' : undefined
  } catch {
    return 'malformed'
  }
}
