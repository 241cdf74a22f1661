import { isCredentialField, type Settings } from './settings.ts'

const mark = '[redacted]'
// Shorter query values, such as `1` and `csv`, are words of other texts too.
const shortest = 6

const scheme = /^(?:Bearer|Basic|Digest|DPoP) +/i

/** The parts of a secret, such as the three of a JWT and the pairs of a cookie. */
const piecesOf = (text: string): readonly string[] =>
  text.split(/[\s.;,=/]+/).filter((piece) => piece.length >= shortest)

/**
 * Makes texts safe to print: replaces credentials, wherever a server repeats them, and control characters, which could steer
 * a terminal.
 */
export function createRedactor({ url, foreignUrl, secondUrl, headers }: Settings): (text: string) => string {
  const ofHeaders = Object.entries(headers)
    .filter(([name]) => isCredentialField(name))
    .map(([, value]) => value.replace(scheme, ''))
  const ofQueries = [url, foreignUrl, secondUrl]
    .filter((one) => one !== undefined)
    .flatMap(({ searchParams }) => [...searchParams.values()].filter((value) => value.length >= shortest))
  const whole = [...ofHeaders, ...ofQueries].filter((text) => text !== '')
  const plain = [...whole, ...whole.flatMap(piecesOf)]
  const secrets = new Set([...plain, ...plain.map(encodeURIComponent)])
  const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length)
  return (text) => {
    const redacted = longestFirst.reduce((left, secret) => left.replaceAll(secret, mark), text)
    return redacted.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?')
  }
}

/** The URL without the values of its query. */
export function redactUrl(url: URL): string {
  const names = [...url.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=${mark}`)
  return url.origin + url.pathname + (names.length > 0 ? `?${names.join('&')}` : '')
}
