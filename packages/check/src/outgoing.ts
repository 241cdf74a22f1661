import type { Probe } from './probes.ts'
import { isCredentialField, isCredentialParameter, type Settings } from './settings.ts'

/** A request as it is sent. */
export interface Outgoing {
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'OPTIONS' | 'PROPFIND'
  readonly headers: Readonly<Record<string, string>>
}

/** A token of 8,192 characters with the form of a JWT: the longest that Sallyport reads. */
const longToken = `e30.${'t'.repeat(8_184)}.e30`

/** Adds URL and credentials to a probe. */
export function outgoing(probe: Probe, settings: Settings): Outgoing {
  const url = targetOf(probe, settings)
  const base = { 'accept-encoding': 'identity', 'user-agent': 'sallyport-check', accept: '*/*' }
  const headers = { ...base, ...withCredentials(probe, settings), ...probe.headers }
  return { url, method: probe.method ?? 'GET', headers }
}

function targetOf({ target, credentials }: Probe, settings: Settings): URL {
  const { url, missingUrl, foreignUrl, secondUrl } = settings
  const targets = { missing: missingUrl, foreign: foreignUrl, second: secondUrl }
  const found = new URL((target && targets[target]) ?? url)
  if (credentials === undefined) return found
  const names = [...found.searchParams.keys()].filter(isCredentialParameter)
  for (const name of names) {
    const value = found.searchParams.get(name) ?? ''
    if (credentials === 'wrong') found.searchParams.set(name, altered(value))
    else found.searchParams.delete(name)
  }
  return found
}

function withCredentials(
  { credentials }: Probe,
  { headers, jwt, credentials: place }: Settings,
): Readonly<Record<string, string>> {
  if (credentials === undefined) return headers
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => !isCredentialField(name)))
  if (credentials === 'none' || place === 'query') return others
  if (credentials === 'long') return { ...others, authorization: `Bearer ${longToken}` }
  if (credentials === 'tampered' && jwt !== undefined)
    return { ...others, authorization: `Bearer ${withAlteredSignature(jwt)}` }
  if (headers['authorization'] !== undefined)
    return { ...others, authorization: 'Bearer sallyport-check-wrong-token' }
  const names = Object.keys(headers).filter(isCredentialField)
  return { ...others, ...Object.fromEntries<string>(names.map((name) => [name, 'sallyport-check-wrong'])) }
}

/** Another character in the middle: the last one of base64url may have bits that do not count. */
function altered(text: string): string {
  const middle = Math.floor(text.length / 2)
  return text.slice(0, middle) + (text[middle] === 'A' ? 'B' : 'A') + text.slice(middle + 1)
}

function withAlteredSignature(jwt: string): string {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  return [header, payload, altered(signature)].join('.')
}
