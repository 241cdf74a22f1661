import { parseList } from 'structured-headers'

import { type Check, fail, must, pass, skip, warn } from '../check.ts'
import { field } from '../exchange.ts'
import { readRetryAfter } from '../fields.ts'

/** How the endpoint says "not now". */
export const limits: readonly Check[] = [
  {
    id: 'limits.retry-after',
    title: 'A 429 or 503 says when to come back',
    reference: 'RFC 6585 §4',
    consequence: 'It tries again at once, as all others do.',
    judge: (_, { limited, settings }) => {
      if (limited.length === 0) return skip('no response was 429 or 503')
      const wrong = limited.find((one) => readRetryAfter(field(one, 'retry-after'), Date.now()) === undefined)
      if (wrong === undefined) return pass(`all ${limited.length} have Retry-After`)
      const detail = `a ${wrong.status} has Retry-After: ${field(wrong, 'retry-after') ?? 'absent'}`
      return settings.profile === 'sallyport' ? fail(detail) : warn(detail)
    },
  },
  {
    id: 'limits.fields',
    title: 'RateLimit fields are well-formed',
    reference: 'draft-ietf-httpapi-ratelimit-headers-11 §3',
    consequence: 'It ignores the limits until it runs into a 429.',
    isOurs: true,
    judge: (get) => {
      const fields = ['ratelimit', 'ratelimit-policy'].filter((name) => get.fields.has(name))
      if (fields.length === 0) return skip('the response has no RateLimit fields')
      const wrong = fields.find(
        (name) => !isLimitList(field(get, name) ?? '', name === 'ratelimit' ? 'r' : 'q'),
      )
      return must(wrong === undefined, fields.join(', '), `${wrong}: ${wrong && field(get, wrong)}`)
    },
  },
]

/** A list of strings, each with an integer parameter: `"principal";r=59;t=1`. */
function isLimitList(value: string, parameter: string): boolean {
  try {
    return parseList(value).every(
      ([name, parameters]) => typeof name === 'string' && Number.isInteger(parameters.get(parameter)),
    )
  } catch {
    return false
  }
}
