import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { RequestFile } from './requests.ts'
import { type CallerSettings, capability, type Settings } from './settings.ts'

/** Users that each have their own tenant and token, and request the same bytes. */
export interface Callers {
  /** The first users. */
  requests(count: number): RequestFile
  /** Further settings of the server. */
  readonly settings: CallerSettings
}

const lifetimeSeconds = 6 * 3_600
/** The number of digits of each number, so that all requests have the same length and need no index. */
const digits = 7

export const tenantName = (index: number): string => `tenant-${number(index)}`
export const subjectName = (index: number): string => `user-${number(index)}`
const number = (index: number): string => String(index).padStart(digits, '0')

/** The user of an opaque token, from the number at its end. `undefined`: the token is unknown. */
export function callerOf(token: string): number | undefined {
  const [, index] = /^opaque\.[\w-]{28}\.(\d{7})$/.exec(token) ?? []
  return index === undefined ? undefined : Number(index)
}

/** Opaque tokens. */
export const writeOpaqueCallers = (folder: string, count: number): Promise<Callers> => {
  const tokenOf = (index: number): string => {
    const random = createHash('sha256').update(`caller ${index}`).digest('base64url').slice(0, 28)
    return `opaque.${random}.${number(index)}`
  }
  return writeCallers({ path: join(folder, 'opaque'), tokenOf, count }, { jwks: { keys: [] } })
}

/** Access tokens signed with ES256: an RSA signature takes ten times as long, and a million tokens are needed. */
export function writeJwtCallers(
  { issuer, audience }: Settings,
  folder: string,
  count: number,
): Promise<Callers> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { ...publicKey.export({ format: 'jwk' }), kid: 'bench', use: 'sig', alg: 'ES256' }
  const header = part({ alg: 'ES256', typ: 'at+jwt', kid: 'bench' })
  const iat = Math.floor(Date.now() / 1_000)
  const common = { iss: issuer, aud: audience, client_id: 'bench', scope: capability, iat }
  const tokenOf = (index: number): string => {
    const own = { sub: subjectName(index), org: tenantName(index), exp: iat + lifetimeSeconds }
    return signed(privateKey, `${header}.${part({ ...common, ...own })}`)
  }
  return writeCallers({ path: join(folder, 'jwt'), tokenOf, count }, { jwks: { keys: [key] } })
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const signed = (key: KeyObject, input: string): string =>
  `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`

interface Made {
  readonly path: string
  readonly count: number
  readonly tokenOf: (index: number) => string
}

async function writeCallers({ path, count, tokenOf }: Made, settings: CallerSettings): Promise<Callers> {
  const requestOf = (index: number): string =>
    `GET /exports/${everyExport}/download HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Org-Name: ${tenantName(index)}\r\n` +
    `Authorization: Bearer ${tokenOf(index)}\r\nAccept: */*\r\n\r\n`
  const bytesEach = Buffer.byteLength(requestOf(0), 'latin1')
  function* requests(): Generator<Buffer> {
    for (let index = 0; index < count; index++) yield Buffer.from(requestOf(index), 'latin1')
  }
  await pipeline(Readable.from(requests()), createWriteStream(path, { highWaterMark: 1_048_576 }))
  return { settings, requests: (some) => ({ path, bytesEach, count: some }) }
}

/** The export that every tenant has. */
export const everyExport = '0b0e7b4e-3c1d-4a53-9d0c-5f0a6c1d2e3f'
