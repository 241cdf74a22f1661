import { type Check, fail, must, pass, skip } from '../check.ts'
import { field } from '../exchange.ts'
import { readList } from '../fields.ts'

/** HEAD, OPTIONS, and methods that the endpoint does not have. */
export const methods: readonly Check[] = [
  {
    id: 'methods.head',
    title: 'HEAD is answered like GET',
    reference: 'RFC 9110 §9.1',
    consequence: 'A download manager gives up before it begins.',
    probe: 'head',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
  {
    id: 'methods.head-fields',
    title: 'HEAD has the fields of GET',
    reference: 'RFC 9110 §9.3.2',
    consequence: 'It plans a download of another size or version.',
    after: ['methods.head', 'framing.same-length', 'validators.stable', 'validators.etag-syntax'],
    probe: 'head',
    judge: (head, { get }) => {
      const names = [
        'content-length',
        'content-type',
        'content-encoding',
        'etag',
        'last-modified',
        'accept-ranges',
      ]
      // Either may leave a field out that only the bytes tell; they must not contradict each other.
      const wrong = names.find((name) => {
        const [one, other] = [field(head, name), field(get, name)]
        return one !== undefined && other !== undefined && one !== other
      })
      if (wrong === undefined) return pass('the same')
      return fail(`${wrong}: ${field(head, wrong)} for HEAD, ${field(get, wrong)} for GET`)
    },
  },
  {
    id: 'methods.head-range',
    title: 'HEAD ignores Range',
    reference: 'RFC 9110 §14.2',
    consequence: 'It takes the length of the range for the size of the file.',
    after: ['methods.head'],
    probe: 'headRange',
    judge: ({ status }) => must(status === 200, '200', `answered with ${status}`),
  },
  {
    id: 'methods.not-allowed',
    title: 'A method that the endpoint does not have is refused, and a 405 names those it has',
    reference: 'RFC 9110 §15.5.6',
    consequence: 'It tries one method after the other.',
    probe: 'propfind',
    judge: (answer, { get }) => {
      const isExport =
        answer.status === 200 && field(answer, 'content-length') === field(get, 'content-length')
      if (isExport) return fail('PROPFIND is answered with the export')
      if (answer.status !== 405) return pass(String(answer.status))
      const allow = field(answer, 'allow')
      return must(allow !== undefined, `Allow: ${allow}`, '405 without Allow')
    },
  },
  {
    id: 'methods.options',
    title: 'OPTIONS names GET and HEAD',
    reference: 'RFC 9110 §9.3.7',
    consequence: 'It does not know what it may ask.',
    isOurs: true,
    probe: 'options',
    judge: (answer) => {
      if (answer.fields.has('access-control-allow-methods')) return skip('answered by CORS')
      const allow = readList(field(answer, 'allow'))
      const right = answer.status < 300 && ['get', 'head'].every((name) => allow.includes(name))
      return must(
        right,
        allow.join(', '),
        `answered with ${answer.status}, Allow: ${allow.join(', ') || 'absent'}`,
      )
    },
  },
]
