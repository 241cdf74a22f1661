import { type Check, fail, must, pass, skip } from '../check.ts'
import { type Answer, field } from '../exchange.ts'

const names = [
  'content-length',
  'content-range',
  'content-type',
  'content-encoding',
  'etag',
  'accept-ranges',
  'cache-control',
]

/** Compares what HTTP/1.1 and HTTP/2 say. */
function compare(one: Answer, other: Answer | undefined): ReturnType<Check['judge']> {
  if (other === undefined) return skip('nothing to compare with')
  if (one.protocol === other.protocol) return skip(`the server has ${one.protocol} only`)
  if (one.status !== other.status)
    return fail(`${one.status} over ${one.protocol}, ${other.status} over ${other.protocol}`)
  const wrong = names.find((name) => field(one, name) !== field(other, name))
  if (wrong !== undefined)
    return fail(
      `${wrong}: ${field(one, wrong) ?? 'absent'} over ${one.protocol}, ${field(other, wrong) ?? 'absent'} over ${other.protocol}`,
    )
  return pass(`${other.protocol} and ${one.protocol} agree`)
}

/** HTTP/1.1 and HTTP/2. */
export const protocols: readonly Check[] = [
  {
    id: 'protocols.head',
    title: 'HTTP/1.1 and HTTP/2 describe the same export',
    reference: 'RFC 9113 §8',
    consequence: 'A browser and a script see different files.',
    after: ['framing.same-length', 'validators.stable'],
    probe: 'otherProtocol',
    judge: (other, { answer }) => compare(other, answer('head')),
  },
  {
    id: 'protocols.range',
    title: 'HTTP/1.1 and HTTP/2 send the same range',
    reference: 'RFC 9113 §8',
    consequence: 'A browser resumes, and a script cannot, or the other way round.',
    after: ['protocols.head', 'ranges.content-range'],
    probe: 'otherProtocolRange',
    judge: (other, { answer }) => {
      const finding = compare(other, answer('firstRange'))
      if (finding.verdict !== 'pass') return finding
      const same = Buffer.from(other.body).equals(answer('firstRange')?.body ?? new Uint8Array())
      return must(same, finding.detail, 'the bytes differ')
    },
  },
]
