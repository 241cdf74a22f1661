import { type Check, fail, must, pass, skip } from '../check.ts'
import { field, type ProbeName } from '../exchange.ts'
import { isEntityTag, isStrong, readDate } from '../fields.ts'

const same: readonly ProbeName[] = ['get', 'again', 'head', 'firstRange', 'suffixRange', 'ifNoneMatchOther']

/** What identifies the bytes of an export. */
export const validators: readonly Check[] = [
  {
    id: 'validators.etag-syntax',
    title: 'ETag is quoted',
    reference: 'RFC 9110 §8.8.3',
    consequence: 'It drops the ETag, or sends it back in a form that never matches.',
    judge: (get) => {
      const etag = field(get, 'etag')
      if (etag === undefined) return skip('the response has no ETag')
      return must(isEntityTag(etag), etag, `ETag: ${etag}`)
    },
  },
  {
    id: 'validators.stable',
    title: 'Every response has the same ETag and Last-Modified',
    reference: 'RFC 9110 §8.8',
    consequence: 'Its resume always starts again from the first byte.',
    after: ['validators.etag-syntax', 'framing.same-length'],
    judge: (get, { answer }) => {
      const answers = same.map(answer).filter((one) => one?.status === 200 || one?.status === 206)
      for (const name of ['etag', 'last-modified']) {
        const values = new Set(answers.flatMap((one) => one?.fields.get(name) ?? []))
        if (values.size > 1) return fail(`${name} changes: ${[...values].slice(0, 3).join(', ')}`)
      }
      const has = get.fields.has('etag') || get.fields.has('last-modified')
      return has ? pass('the same in all responses') : skip('the response has no validator')
    },
  },
  {
    id: 'validators.same-bytes',
    title: 'Two responses with the same strong ETag have the same bytes',
    reference: 'RFC 9110 §8.8.1',
    consequence: 'It joins the bytes of two versions into one file.',
    after: ['validators.stable', 'framing.complete'],
    probe: 'again',
    judge: (again, { get }) => {
      const etag = field(get, 'etag')
      if (!isStrong(etag)) return skip('the response has no strong ETag')
      if (again.status !== 200) return skip(`answered with ${again.status}`)
      const length = Math.min(get.body.length, again.body.length)
      const [one, other] = [get, again].map(({ body }) => Buffer.from(body.subarray(0, length)))
      return must(
        one?.equals(other ?? one) === true,
        `the first ${length} bytes are the same`,
        'the bytes differ',
      )
    },
  },
  {
    id: 'validators.strong',
    title: 'The export has a strong ETag',
    reference: 'RFC 9110 §8.8.1',
    consequence: 'A browser cannot resume, and saves a body that breaks off as complete.',
    isOurs: true,
    after: ['validators.etag-syntax'],
    judge: (get) => {
      const etag = field(get, 'etag')
      return must(
        isStrong(etag),
        etag ?? '',
        etag === undefined ? 'the response has no ETag' : `weak: ${etag}`,
      )
    },
  },
  {
    id: 'validators.last-modified',
    title: 'Last-Modified is a date that has passed',
    reference: 'RFC 9110 §8.8.2.1',
    consequence: 'It ignores the date, or asks for changes since a time to come and gets none.',
    judge: (get) => {
      const value = field(get, 'last-modified')
      if (value === undefined) return skip('the response has no Last-Modified')
      const time = readDate(value)
      if (time === undefined) return fail(`not an IMF-fixdate: ${value}`)
      const now = readDate(field(get, 'date')) ?? Date.now()
      return must(time <= now, value, `${value} is later than Date`)
    },
  },
  {
    id: 'validators.differ',
    title: 'Another export has another ETag',
    reference: 'RFC 9110 §8.8.3',
    consequence: 'It resumes one file with the bytes of another.',
    isOurs: true,
    after: ['validators.strong'],
    probe: 'second',
    judge: (second, { get }) => {
      if (second.status !== 200) return fail(`the second export answers ${second.status}`)
      return must(
        field(second, 'etag') !== field(get, 'etag'),
        'different',
        'both exports have the same ETag',
      )
    },
  },
]
