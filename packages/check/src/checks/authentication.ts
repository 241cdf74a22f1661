import { type Check, fail, must, pass, skip } from '../check.ts'
import { type Answer, field } from '../exchange.ts'

// A redirect, to a page for logging in, gives no export either.
const refused = ({ status }: Answer): boolean => status >= 300 && status < 500

const isHtml = (answer: Answer): boolean => /^text\/html/i.test(field(answer, 'content-type') ?? '')

/** Who may download. */
export const authentication: readonly Check[] = [
  {
    id: 'authentication.required',
    title: 'Without credentials there is no export',
    reference: 'RFC 9110 §11.1',
    consequence: 'Anybody downloads the export.',
    probe: 'noCredentials',
    judge: (answer) => must(refused(answer), String(answer.status), `answered with ${answer.status}`),
  },
  {
    id: 'authentication.challenge',
    title: 'A 401 says how to authenticate',
    reference: 'RFC 9110 §15.5.2',
    consequence: 'It does not know that a new token would help.',
    after: ['authentication.required'],
    probe: 'noCredentials',
    judge: (answer) => {
      if (answer.status !== 401) return skip(`answered with ${answer.status}`)
      const challenge = field(answer, 'www-authenticate')
      return must(challenge !== undefined, challenge ?? '', 'no WWW-Authenticate')
    },
  },
  {
    id: 'authentication.for-programs',
    title: 'A refusal to a program is no HTML page and no redirect',
    reference: 'RFC 9110 §12.5.1',
    consequence: 'It fails at parsing the error, or saves a login page as the export.',
    isOurs: true,
    after: ['authentication.required'],
    probe: 'noCredentials',
    judge: (answer) => {
      if (answer.status < 400) return fail(`answered with ${answer.status}`)
      return must(!isHtml(answer), field(answer, 'content-type') ?? 'no body', 'text/html')
    },
  },
  {
    id: 'authentication.wrong',
    title: 'With wrong credentials there is no export',
    reference: 'RFC 9110 §15.5.2',
    consequence: 'Anybody downloads the export with any token.',
    after: ['authentication.required'],
    probe: 'wrongCredentials',
    judge: (answer) => must(refused(answer), String(answer.status), `answered with ${answer.status}`),
  },
  {
    id: 'authentication.invalid-token',
    title: 'The challenge to a wrong token says invalid_token',
    reference: 'RFC 6750 §3.1',
    consequence: 'It does not refresh its token.',
    isOurs: true,
    after: ['authentication.required', 'authentication.wrong', 'authentication.challenge'],
    probe: 'wrongCredentials',
    judge: (answer, { settings }) => {
      if (settings.credentials !== 'header') return skip('the credentials are in the query')
      const challenge = field(answer, 'www-authenticate') ?? ''
      return must(/error="?invalid_token/.test(challenge), challenge, `WWW-Authenticate: ${challenge}`)
    },
  },
  {
    id: 'authentication.signature',
    title: 'A JWT with an altered signature is refused',
    reference: 'RFC 8725 §3.3',
    consequence: 'Anybody writes a token of their own.',
    after: ['authentication.required', 'authentication.wrong'],
    probe: 'tamperedToken',
    judge: (answer) =>
      refused(answer) ? pass(String(answer.status)) : fail(`answered with ${answer.status}`),
  },
]
