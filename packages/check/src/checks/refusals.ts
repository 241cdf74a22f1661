import { type Check, fail, must, pass } from '../check.ts'
import { type Answer, field, isAnswer } from '../exchange.ts'
import { readList } from '../fields.ts'

/** Fields that differ from request to request. */
const ownOfRequest =
  /^(?:date|x-request-id|x-amz-|age|ratelimit|x-ratelimit|server-timing|traceparent|cf-ray|report-to|set-cookie)/

const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi

/** A response without what differs between two requests for two ids. */
function shapeOf({ status, fields, body }: Answer): string {
  const kept = [...fields]
    .filter(([name]) => !ownOfRequest.test(name))
    .map(([name, values]) => `${name}: ${values.join(', ')}`.replaceAll(uuid, 'uuid'))
    .toSorted()
  return [String(status), ...kept, Buffer.from(body).toString('latin1').replaceAll(uuid, 'uuid')].join('\n')
}

/** Texts that come from inside: stack traces, paths, stores. */
const inside = [
  /\n\s+at .+\(.+:\d+:\d+\)/,
  /\b(?:node_modules|\/var\/|\/home\/|\/usr\/|\/app\/)[\w./-]+/,
  /<Code>\w+<\/Code>|NoSuchKey|NoSuchBucket|BlobNotFound/,
  /amazonaws\.com|blob\.core\.windows\.net/,
]
const insideFields = /^(?:x-amz-|x-ms-|x-goog-|x-rgw-|x-powered-by$)/

/** What a refusal tells, and what it does not. */
export const refusals: readonly Check[] = [
  {
    id: 'refusals.missing',
    title: 'A missing export is refused with 404, 403 or 410',
    reference: 'RFC 9110 §15.5.5',
    consequence: 'It saves an error as the export, or tries again without end.',
    probe: 'missing',
    judge: ({ status }) => must([403, 404, 410].includes(status), String(status), `answered with ${status}`),
  },
  {
    id: 'refusals.foreign',
    title: "Another tenant's export reads like a missing one",
    reference: 'OWASP API1:2023',
    consequence: 'A stranger finds out which exports exist.',
    after: ['refusals.missing'],
    probe: 'foreign',
    judge: (foreign, { answer }) => {
      const missing = answer('missing')
      if (foreign.status < 400) return fail(`answered with ${foreign.status}`)
      if (missing === undefined) return pass(`${foreign.status}, without a missing export to compare`)
      const [a, b] = [shapeOf(missing).split('\n'), shapeOf(foreign).split('\n')]
      const index = a.findIndex((line, at) => line !== b[at])
      if (index < 0 && a.length === b.length) return pass(`${foreign.status}, the same`)
      return fail(`missing: ${a[index] ?? 'nothing'}; foreign: ${b[index] ?? 'more'}`)
    },
  },
  {
    id: 'refusals.not-stored',
    title: 'Caches may not store a refusal',
    reference: 'RFC 9110 §15.1',
    consequence: 'A cache answers 404 when the export has long been ready.',
    isOurs: true,
    judge: (_, evidence) => {
      const wrong = refusalsOf(evidence.exchanges.filter(isAnswer)).find(
        (one) => !readList(field(one, 'cache-control')).includes('no-store'),
      )
      return must(
        wrong === undefined,
        'all have no-store',
        `the ${wrong?.status} to ${wrong?.probe} lacks no-store`,
      )
    },
  },
  {
    id: 'refusals.for-programs',
    title: 'A refusal is JSON',
    reference: 'RFC 9457 §3',
    consequence: 'It fails at parsing the error.',
    isOurs: true,
    after: ['authentication.for-programs'],
    probe: 'missing',
    judge: (answer) => {
      const type = field(answer, 'content-type') ?? 'no type'
      return must(/^application\/(?:[\w.-]+\+)?json\b/i.test(type), type, `Content-Type: ${type}`)
    },
  },
  {
    id: 'refusals.request-id',
    title: 'A refusal has X-Request-Id',
    reference: 'docs/events.md',
    consequence: 'Its user has nothing to quote to your support.',
    isOurs: true,
    judge: (_, evidence) => {
      const wrong = refusalsOf(evidence.exchanges.filter(isAnswer)).find(
        ({ fields }) => !fields.has('x-request-id'),
      )
      return must(wrong === undefined, 'all have one', `the ${wrong?.status} to ${wrong?.probe} has none`)
    },
  },
  {
    id: 'refusals.inside',
    title: 'No response shows the store, a path or a stack trace',
    reference: 'OWASP API8:2023',
    consequence: 'An attacker learns what to attack.',
    isOurs: true,
    judge: (_, { exchanges }) => {
      for (const answer of exchanges.filter(isAnswer)) {
        const name = [...answer.fields.keys()].find((one) => insideFields.test(one))
        if (name !== undefined) return fail(`${name} in the response to ${answer.probe}`)
        const text = answer.status < 400 ? '' : Buffer.from(answer.body).toString('latin1')
        const pattern = inside.find((one) => one.test(text))
        if (pattern) return fail(`${pattern.exec(text)?.[0].trim()} in the response to ${answer.probe}`)
      }
      return pass('nothing found')
    },
  },
]

/** Without methods and headers that a server refuses before the endpoint sees them: other checks judge these. */
const refusalsOf = (answers: readonly Answer[]): readonly Answer[] =>
  answers.filter(({ status, probe }) => status >= 400 && probe !== 'propfind' && probe !== 'longToken')
