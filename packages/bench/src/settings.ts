/** What every server is told: where the files lie and whose tokens are good. */
export interface Settings {
  /** Folder of the files: `<root>/<organization>/<id>.csv`. */
  readonly root: string
  /** The one organization, and the `org` of every token. */
  readonly organization: string
  readonly issuer: string
  readonly audience: string
  /** Where the key set is. */
  readonly jwksUri: string
  /** The same key as PEM, for peers that take no address. */
  readonly publicKey: string
}

/** What the token must grant, for every server that checks it. */
export const capability = 'exports:download'

/** Quotas and places of so many a second are never spent: the limiter works at every request and refuses none. */
export const plenty = 1_000_000

/** The settings that the bench started this server with. */
export function readSettings(): Settings {
  const value: unknown = JSON.parse(process.env['BENCH_SETTINGS'] ?? 'null')
  if (!isSettings(value)) throw new Error('servers are started by the bench, with BENCH_SETTINGS set')
  return value
}

const names = ['root', 'organization', 'issuer', 'audience', 'jwksUri', 'publicKey']

const isSettings = (value: unknown): value is Settings =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => typeof Object.getOwnPropertyDescriptor(value, name)?.value === 'string')
