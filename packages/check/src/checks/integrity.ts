import { parseDictionary } from 'structured-headers'

import { type Check, fail, must, pass, skip } from '../check.ts'
import { type Answer, field, type ProbeName } from '../exchange.ts'

/** Algorithms that are not broken (RFC 9530 §5), and the length of their digests in bytes. */
const digestBytes: Readonly<Record<string, number>> = { 'sha-256': 32, 'sha-512': 64 }

/** The digests of a field, in hex by algorithm. `undefined`: the field breaks the grammar. */
function readDigests(value: string): ReadonlyMap<string, string> | undefined {
  try {
    const digests = new Map<string, string>()
    for (const [algorithm, [digest]] of parseDictionary(value)) {
      if (!(digest instanceof ArrayBuffer)) return undefined
      if (digest.byteLength !== (digestBytes[algorithm] ?? digest.byteLength)) return undefined
      digests.set(algorithm, Buffer.from(digest).toString('hex'))
    }
    return digests
  } catch {
    return undefined
  }
}

const sha256Of = (answer: Answer): string | undefined =>
  readDigests(field(answer, 'repr-digest') ?? '')?.get('sha-256')

const several: readonly ProbeName[] = ['get', 'head', 'firstRange', 'suffixRange']

/** Whether the bytes are the right ones, and all of them. */
export const integrity: readonly Check[] = [
  {
    id: 'integrity.digest-syntax',
    title: 'Repr-Digest is a dictionary of digests',
    reference: 'RFC 9530 §3',
    consequence: 'It cannot check its file.',
    judge: (get) => {
      const value = field(get, 'repr-digest')
      if (value === undefined) return skip('the response has no Repr-Digest')
      const digests = readDigests(value)
      return must(digests !== undefined, [...(digests?.keys() ?? [])].join(', '), `Repr-Digest: ${value}`)
    },
  },
  {
    id: 'integrity.digest-of-whole',
    title: 'Repr-Digest is that of the whole export, in ranges too',
    reference: 'RFC 9530 §3.1',
    consequence: 'It rejects a file that is right.',
    after: ['integrity.digest-syntax'],
    judge: (_, { answer }) => {
      const answers = several.map(answer).filter((one) => one !== undefined)
      const values = new Set(answers.map(sha256Of).filter((one) => one !== undefined))
      if (values.size === 0) return skip('no response has a SHA-256')
      return must(values.size === 1, 'the same in all responses', `${values.size} different digests`)
    },
  },
  {
    id: 'integrity.whole',
    title: 'The whole body has as many bytes as the size that is told',
    reference: 'RFC 9112 §8',
    consequence: 'It keeps a truncated file as complete.',
    after: ['framing.complete', 'framing.same-length'],
    judge: (get, { answer, size }) => {
      const whole = answer('whole') ?? get
      if (whole.end !== 'complete' || size === undefined)
        return skip('the body was not read to its end: pass --full')
      return must(
        whole.bytes === size,
        `${size} bytes`,
        `${whole.bytes} of ${size} bytes, and the end looks regular`,
      )
    },
  },
  {
    id: 'integrity.content',
    title: 'The whole body has the expected SHA-256',
    reference: 'RFC 9530 §3',
    consequence: 'It rejects the file, or keeps a corrupt one.',
    after: ['framing.complete', 'integrity.digest-syntax', 'integrity.digest-of-whole', 'integrity.whole'],
    judge: (get, { answer, settings }) => {
      const whole = answer('whole') ?? get
      if (whole.sha256 === undefined) return skip('the body was not read to its end: pass --full')
      const wanted = [settings.expectSha256, sha256Of(get)].filter((one) => one !== undefined)
      if (wanted.length === 0) return skip('no digest to compare with: pass --expect-sha256')
      const other = wanted.find((one) => one !== whole.sha256)
      return other === undefined ? pass(whole.sha256) : fail(`${whole.sha256}, expected ${other}`)
    },
  },
]
