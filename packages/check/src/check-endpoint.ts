import type { Evidence, Verdict } from './check.ts'
import { type Answer, field, isAnswer, isLimitedThroughout } from './exchange.ts'
import { judge } from './judge.ts'
import { describeExport } from './known.ts'
import type { CheckOptions } from './options.ts'
import { createRedactor, redactUrl } from './redact.ts'
import type { Report } from './report/report.ts'
import { reasonOf, record, type Recording } from './session.ts'
import { readSettings, type Settings } from './settings.ts'

/** The endpoint could not be checked: it did not answer, its first response was not 200, or it limits too much. The message contains no credential. */
export class CannotCheckError extends Error {
  override readonly name = 'CannotCheckError'
}

/**
 * Judges a download endpoint as its clients see it. Sends at most `maxRequests` safe requests (GET, HEAD, OPTIONS, PROPFIND), one
 * after the other, reads at most `maxBytes`, and waits as `Retry-After` says. It follows no redirects.
 *
 * @param url - the download of one export that exists; `http:` or `https:`
 * @throws TypeError that names a wrong option
 * @throws CannotCheckError if there is nothing to judge, or the endpoint answers only 429 or 503 from some request on
 * @throws the reason of `signal` if it aborts
 */
export async function checkEndpoint(url: string | URL, options: CheckOptions = {}): Promise<Report> {
  const settings = readSettings(url, options)
  const startedAt = new Date()
  const redact = createRedactor(settings)
  const recording = await record(settings).catch((error: unknown) => {
    settings.signal?.throwIfAborted()
    throw new CannotCheckError(`no response: ${redact(explainCode(reasonOf(error)))}`)
  })
  const evidence = evidenceOf(settings, recording, redact)
  const checks = judge(evidence).map(({ check, finding }) => ({
    id: check.id,
    group: check.id.split('.')[0] ?? '',
    title: check.title,
    verdict: finding.verdict,
    detail: redact(finding.detail).slice(0, 300),
    reference: check.reference,
    consequence: check.consequence,
  }))
  const count = (verdict: Verdict): number => checks.filter((one) => one.verdict === verdict).length
  const summary = { pass: count('pass'), warn: count('warn'), fail: count('fail'), skip: count('skip') }
  return {
    schemaVersion: 1,
    url: redactUrl(settings.url),
    profile: settings.profile,
    verdict: summary.fail > 0 ? 'fail' : 'pass',
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    protocols: [...new Set(recording.exchanges.filter(isAnswer).map(({ protocol }) => protocol))],
    requests: recording.requests,
    bytes: recording.bytes,
    waitedMs: recording.waitedMs,
    summary,
    checks,
  }
}

function evidenceOf(settings: Settings, recording: Recording, redact: (text: string) => string): Evidence {
  const { exchanges, limited } = recording
  const [first] = exchanges
  if (!isAnswer(first)) throw new CannotCheckError(first?.reason ?? 'no request was sent')
  if (first.status !== 200) throw new CannotCheckError(redact(explain(first, settings)))
  if (isLimitedThroughout(exchanges))
    throw new CannotCheckError(
      `the endpoint answers only 429 or 503 after ${recording.requests} requests and ${Math.round(recording.waitedMs / 1_000)} s of waiting: check again later, or wait longer (--max-wait)`,
    )
  return {
    ...describeExport(exchanges),
    settings,
    exchanges,
    limited,
    get: first,
    answer: (name) => exchanges.filter(isAnswer).find(({ probe }) => probe === name),
  }
}

/** Why a first response other than 200 ends the check, and what to do. */
function explain(answer: Answer, { url, credentials }: Settings): string {
  const { status } = answer
  if (status >= 300 && status < 400) {
    const to = URL.parse(field(answer, 'location') ?? '', url.href)
    // Its path may repeat credentials in a form that nobody can foresee.
    const where = to === null ? 'an unknown place' : to.origin
    return `the endpoint redirects (${status}) to ${where}. Redirects are not followed, because the credentials would go along: check that URL itself`
  }
  if (status === 401 || status === 403)
    return credentials === 'none'
      ? `the endpoint answers ${status}: pass credentials by --token-env or --header`
      : `the endpoint answers ${status}: the credentials are not accepted`
  if (status === 404 || status === 410)
    return `the endpoint answers ${status}: the URL must be that of an export that exists`
  return `the endpoint answers ${status} to GET`
}

const explanations: readonly (readonly [RegExp, string])[] = [
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, 'the host name has no address'],
  [/^ECONNREFUSED$/, 'nothing listens at this port'],
  [/^CERT_HAS_EXPIRED$/, 'the certificate has expired'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'the certificate is for another host name'],
  [/CERT|^UNABLE_TO_/, 'the certificate is not trusted: pass its authority by --ca'],
  [/^UND_ERR_HEADERS_OVERFLOW$/, 'the header section is longer than 64 KiB'],
  [/^UND_ERR_SOCKET$/, 'the connection ended before the response'],
]

function explainCode(code: string): string {
  const text = explanations.find(([pattern]) => pattern.test(code))?.[1]
  return text === undefined ? code : `${code} (${text})`
}
