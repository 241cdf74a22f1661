import { parseMessage } from './message.ts'

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

/** Where the objects are, for servers that send them from S3: below the name of the organization. */
export interface S3Settings {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Which store Sallyport's server uses: `createSignedS3Store` or `createS3Store`. */
  readonly signed: boolean
}

/** How a server of many tenants knows its callers. */
export interface CallerSettings {
  /** No keys: the tokens are opaque. */
  readonly jwks: { readonly keys: readonly object[] }
}

/** What the token must grant, for every server that checks it. */
export const capability = 'exports:download'

/** Quotas and places of so many a second are never spent: the limiter works at every request and refuses none. */
export const plenty = 1_000_000

/** The settings that the bench started this server with. */
export const readSettings = (): Settings => parseMessage(process.env['BENCH_SETTINGS'] ?? '{}', anySettings)

/** Likewise, of a server that asks S3. */
export const readS3Settings = (): S3Settings => parseMessage(process.env['BENCH_S3'] ?? '{}', anyS3Settings)

/** Likewise, of a server of many tenants. */
export const readCallerSettings = (): CallerSettings =>
  parseMessage(process.env['BENCH_CALLERS'] ?? '{}', anyCallerSettings)

const anyCallerSettings: CallerSettings = { jwks: { keys: [] } }
const anySettings: Settings = {
  root: '',
  organization: '',
  issuer: '',
  audience: '',
  jwksUri: '',
  publicKey: '',
}
const anyS3Settings: S3Settings = {
  endpoint: '',
  bucket: '',
  accessKeyId: '',
  secretAccessKey: '',
  signed: false,
}
