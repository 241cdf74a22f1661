import { parseMessage } from './message.ts'
import type { TransportSettings } from './transport.ts'

/** The settings of every server: the folder of the files, and the issuer of the tokens. */
export interface Settings {
  /** Folder of the files: `<root>/<organization>/<id>.csv`. */
  readonly root: string
  /** The one organization, and the `org` of every token. */
  readonly organization: string
  readonly issuer: string
  readonly audience: string
  /** The URL of the key set. */
  readonly jwksUri: string
  /** The same key as PEM, for servers that cannot read a key set. */
  readonly publicKey: string
}

/** The location of the objects in S3, below the name of the organization. */
export interface S3Settings {
  readonly endpoint: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The certificate of its authority, as PEM. Empty: it has no TLS. */
  readonly ca: string
}

/** What the stub of S3 has. */
export interface StubSettings {
  /** The size of every object. */
  readonly bytes: number
  /** Key and certificate for TLS, as PEM. Empty: no TLS. */
  readonly key: string
  readonly cert: string
}

/** The tokens of a server with many tenants. */
export interface CallerSettings {
  /** Without keys, because the tokens are opaque. */
  readonly jwks: { readonly keys: readonly object[] }
}

/** What an assembled stack does besides authentication, like the examples. */
export interface DutySettings {
  /** A SQLite file with the tables of the examples. Empty: the stack looks nothing up and logs nothing. */
  readonly catalogue: string
  /** The file of the log. */
  readonly log: string
}

/** The capability that the token must grant. */
export const capability = 'exports:download'

/** Quotas and slots that are never used up, so that the limiter runs at every request and refuses none. */
export const plenty = 1_000_000

/** The settings that the bench started this server with. */
export const readSettings = (): Settings => parseMessage(process.env['BENCH_SETTINGS'] ?? '{}', anySettings)

/** The settings of a server that uses S3. */
export const readS3Settings = (): S3Settings => parseMessage(process.env['BENCH_S3'] ?? '{}', anyS3Settings)

/** The settings of the stub of S3. */
export const readStubSettings = (): StubSettings =>
  parseMessage(process.env['BENCH_STUB'] ?? '{}', anyStubSettings)

/** The settings of a server with many tenants. */
export const readCallerSettings = (): CallerSettings =>
  parseMessage(process.env['BENCH_CALLERS'] ?? '{}', anyCallerSettings)

/** How the server speaks. */
export const readTransport = (): TransportSettings =>
  parseMessage(process.env['BENCH_TRANSPORT'] ?? JSON.stringify(plain), plain)

const plain: TransportSettings = { transport: 'http', key: '', cert: '' }

/** The duties of an assembled stack. */
export const readDuties = (): DutySettings =>
  parseMessage(process.env['BENCH_DUTIES'] ?? JSON.stringify(noDuties), noDuties)

const noDuties: DutySettings = { catalogue: '', log: '' }
const anyStubSettings: StubSettings = { bytes: 0, key: '', cert: '' }
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
  ca: '',
}
