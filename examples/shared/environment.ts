import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { availableParallelism } from 'node:os'

/** Where the exports lie. */
export type ExportsPlace =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      readonly prefix?: string
      /** Absent: the one of AWS in the region. */
      readonly endpoint?: URL
      /** Absent: what the AWS SDK finds by itself. */
      readonly region?: string
    }
  | { readonly kind: 'azure'; readonly connectionString: string; readonly container: string }

/** Who vouches for callers. */
export interface Identity {
  readonly issuer: string
  readonly audience: string
  /** Where the keys of its JWTs are. Absent: its JWTs are introspected, as opaque tokens are. */
  readonly jwks?: URL | 'discovered'
  /** Our client there, to introspect tokens. Absent: no token is introspected. */
  readonly introspection?: {
    /** Absent: it is discovered. */
    readonly endpoint?: URL
    readonly clientId: string
    readonly clientSecret: string
  }
}

/** What the variables of the process say. */
export type Environment = Settings & (Production | Development)

export interface Settings {
  readonly host: string
  /** 0: any. */
  readonly port: number
  /** The port of `/metrics`, at `host`; 0: any. `undefined`: there are no metrics. */
  readonly metricsPort: number | undefined
  /** The name of the one organization; `undefined`: there are many. */
  readonly onlyTenant: string | undefined
  /** The SQLite file that knows organizations and exports; `undefined`: the names of the objects are the catalogue. */
  readonly catalogue: string | undefined
  readonly quota: { readonly capacity: number; readonly refill: number; readonly perMs: number }
  /** Each caller's budget of bytes; without one, bytes are not limited. */
  readonly bytes: { readonly perPrincipal?: Settings['quota'] }
  /** Without `perPrincipal` the library's default holds: 16, and on S3 also a share of the connections. */
  readonly concurrent: { readonly perPrincipal?: number }
  /** Where all processes count together; `undefined`: each counts by itself. It may hold a password. */
  readonly redis: URL | undefined
  /** Among how many processes the limits are divided while it is away. */
  readonly processes: number
  /** How many processes cluster.ts runs. */
  readonly workers: number
  readonly drainMs: number
  /** `undefined`: there are no tickets. */
  readonly tickets: TicketSettings | undefined
  /** The least important lines that are logged. Only `debug` shows causes, which may name paths, buckets and hosts. */
  readonly logLevel: LogLevel
}

const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const
type LogLevel = (typeof logLevels)[number]

/** What seals tickets, and how long they are good. */
export interface TicketSettings {
  readonly keys: readonly { readonly id: string; readonly secret: string }[]
  readonly startWithinMs?: number
  readonly resumeWithinMs?: number
}

interface Production {
  readonly mode: 'production'
  readonly exports: ExportsPlace
  readonly identity: Identity
}

/** The identity provider is in the process, and so are exports where no place for them is given. */
export interface Development {
  readonly mode: 'development'
  readonly exports: ExportsPlace | undefined
}

/** The environment of this process. Ends it with status 1 where a variable is wrong, and says which. */
export function loadEnvironment(): Environment {
  try {
    return readEnvironment(process.env)
  } catch (error) {
    console.error((error as Error).message)
    return process.exit(1)
  }
}

/** Reads the variables, an empty one as if it were not there. Throws one error for all faults; it shows no value. */
function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const faults: string[] = []
  const read = createReader(variables, faults)
  const host = read.text('HOST') ?? '127.0.0.1'
  const perPrincipal = read.whole('CONCURRENT_PER_PRINCIPAL', undefined, 1, 1_000_000)
  const mode = readMode(read, host, readExports(read))
  const environment = {
    host,
    port: read.whole('PORT', 3_000, 0, 65_535),
    metricsPort: read.whole('METRICS_PORT', undefined, 0, 65_535),
    onlyTenant: read.tenancy('TENANCY'),
    catalogue: read.text('CATALOGUE'),
    quota: {
      capacity: read.whole('RATE_CAPACITY', 60, 1, 1_000_000),
      ...read.perSecond('RATE_PER_SECOND'),
    },
    bytes: readBudget(read),
    concurrent: perPrincipal === undefined ? {} : { perPrincipal },
    redis: read.redisUrl('REDIS_URL'),
    processes: read.whole('PROCESSES', 1, 1, 1_000_000),
    workers: read.whole('WORKERS', availableParallelism(), 1, 1_024),
    drainMs: read.whole('DRAIN_MS', 10_000, 0, 86_400_000),
    logLevel: read.oneOf('LOG_LEVEL', logLevels) ?? 'info',
    ...mode,
    tickets: readTickets(read, mode.mode === 'development'),
  }
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return environment
}

function readExports(read: Reader): ExportsPlace | undefined {
  const path = read.text('EXPORTS_DIR')
  const bucket = read.needed('S3_BUCKET', ['S3_PREFIX', 'S3_ENDPOINT'])
  const connectionString = read.needed('AZURE_STORAGE_CONNECTION_STRING', ['AZURE_CONTAINER'])
  const container = read.needed('AZURE_CONTAINER', ['AZURE_STORAGE_CONNECTION_STRING'])
  const prefix = read.text('S3_PREFIX')?.replace(/\/$/, '')
  const endpoint = read.url('S3_ENDPOINT')
  const region = read.text('AWS_REGION') ?? (endpoint && 'us-east-1')
  const places: ExportsPlace[] = []
  if (path !== undefined) places.push({ kind: 'directory', path })
  if (bucket !== undefined) {
    places.push({
      kind: 's3',
      bucket,
      ...(prefix !== undefined && { prefix }),
      ...(endpoint && { endpoint }),
      ...(region !== undefined && { region }),
    })
  }
  if (connectionString !== undefined && container !== undefined) {
    places.push({ kind: 'azure', connectionString, container })
  }
  if (places.length > 1) read.fault('EXPORTS_DIR, S3_BUCKET, AZURE_CONTAINER', 'set one of them')
  if (places.length === 0 && read.text('CATALOGUE') !== undefined)
    read.fault('EXPORTS_DIR', 'is missing, beside CATALOGUE: set it, or S3_BUCKET, or AZURE_CONTAINER')
  return places[0]
}

const terabyte = 1_000_000_000_000

function readBudget(read: Reader): Settings['bytes'] {
  const names = ['BYTES_CAPACITY', 'BYTES_PER_SECOND']
  for (const name of names) read.needed(name, names)
  const capacity = read.whole('BYTES_CAPACITY', undefined, 1, terabyte)
  const refill = read.whole('BYTES_PER_SECOND', undefined, 1, terabyte)
  return capacity && refill ? { perPrincipal: { capacity, refill, perMs: 1_000 } } : {}
}

const longestTicketMs = 604_800_000

/** In development a random key, so that the demo page works; its tickets end with the process. */
function readTickets(read: Reader, isDevelopment: boolean): TicketSettings | undefined {
  const times = ['TICKET_START_MS', 'TICKET_RESUME_MS']
  const startWithinMs = read.whole('TICKET_START_MS', undefined, 1_000, longestTicketMs)
  const resumeWithinMs = read.whole('TICKET_RESUME_MS', undefined, startWithinMs ?? 300_000, longestTicketMs)
  const text = isDevelopment ? read.text('TICKET_KEYS') : read.needed('TICKET_KEYS', times)
  const random = isDevelopment ? `development:${randomBytes(32).toString('base64url')}` : undefined
  const keys = (text ?? random)?.split(',').map((key) => /^([\w.-]{1,64}):([\w-]{43,})$/.exec(key.trim()))
  if (!keys) return undefined
  const found = keys.flatMap((key) => (key?.[1] && key[2] ? [{ id: key[1], secret: key[2] }] : []))
  if (found.length < keys.length || new Set(found.map(({ id }) => id)).size < found.length)
    read.fault(
      'TICKET_KEYS',
      'write id:secret, comma-separated; each secret at least 32 random bytes in base64url',
    )
  return {
    keys: found,
    ...(startWithinMs !== undefined && { startWithinMs }),
    ...(resumeWithinMs !== undefined && { resumeWithinMs }),
  }
}

const introspectionNames = ['INTROSPECTION_URI', 'INTROSPECTION_CLIENT_ID', 'INTROSPECTION_CLIENT_SECRET']
const identityNames = ['OIDC_ISSUER', 'OIDC_AUDIENCE', 'JWKS_URI', ...introspectionNames]
const identityWanted =
  'OIDC_ISSUER and OIDC_AUDIENCE, for opaque tokens INTROSPECTION_CLIENT_ID and INTROSPECTION_CLIENT_SECRET'

/** All or nothing: the development issuer never stands before real data unless it is asked for in so many words. */
function readMode(read: Reader, host: string, exports: ExportsPlace | undefined): Production | Development {
  const asked = read.oneOf('DEV_ISSUER', ['1']) !== undefined
  if (identityNames.some((name) => read.text(name) !== undefined)) {
    if (asked) read.fault('DEV_ISSUER', 'leave it unset beside OIDC_ and INTROSPECTION_ variables')
    if (exports) return { mode: 'production', exports, identity: readIdentity(read) }
    if (read.text('CATALOGUE') === undefined)
      read.fault('EXPORTS_DIR', 'is missing: set it, or S3_BUCKET, or AZURE_CONTAINER')
  } else if (read.text('NODE_ENV') === 'production') {
    read.fault(
      'OIDC_ISSUER',
      `is missing, and NODE_ENV=production has no other issuer: set ${identityWanted}`,
    )
  } else if (!asked && (exports || read.text('REDIS_URL') !== undefined)) {
    read.fault('OIDC_ISSUER', `is missing: set ${identityWanted}; or DEV_ISSUER=1 for the development issuer`)
  } else if (!isLoopback(host)) {
    read.fault('HOST', `the development issuer serves loopback hosts only; for others set ${identityWanted}`)
  }
  return { mode: 'development', exports }
}

function readIdentity(read: Reader): Identity {
  const issuer = read.needed('OIDC_ISSUER', identityNames) ?? ''
  const audience = read.needed('OIDC_AUDIENCE', identityNames) ?? ''
  const keys = read.secureUrl('JWKS_URI')
  const endpoint = read.secureUrl('INTROSPECTION_URI')
  const clientId = read.needed('INTROSPECTION_CLIENT_ID', introspectionNames)
  const clientSecret = read.needed('INTROSPECTION_CLIENT_SECRET', introspectionNames)
  // INTROSPECTION_URI alone: every token is introspected. Else what has no address is discovered.
  const jwks = keys ?? (endpoint ? undefined : 'discovered')
  const isDiscovered = jwks === 'discovered' || (clientId !== undefined && !endpoint)
  if (isDiscovered && issuer !== '' && !isDiscoverable(issuer)) {
    const ways = 'write an https URL without query and fragment (http on a loopback host)'
    read.fault('OIDC_ISSUER', `${ways}, or set JWKS_URI, and INTROSPECTION_URI for opaque tokens`)
  }
  return {
    issuer,
    audience,
    ...(jwks && { jwks }),
    ...(clientId &&
      clientSecret && { introspection: { clientId, clientSecret, ...(endpoint && { endpoint }) } }),
  }
}

/** Whether metadata with the addresses of keys and introspection can be had from an issuer. */
function isDiscoverable(issuer: string): boolean {
  const url = URL.parse(issuer)
  if (!url || /[?#]/.test(issuer) || url.username || url.password) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
}

type Reader = ReturnType<typeof createReader>

function createReader(variables: Readonly<Record<string, string | undefined>>, faults: string[]) {
  const fault = (name: string, what: string): void => void faults.push(`${name}: ${what}`)
  const text = (name: string): string | undefined => variables[name] || undefined

  const url = (name: string, secure = false): URL | undefined => {
    const value = text(name)
    if (value === undefined) return undefined
    const parsed = URL.parse(value)
    const plain = parsed?.protocol === 'http:' && (!secure || isLoopback(parsed.hostname))
    if (parsed && (parsed.protocol === 'https:' || plain) && !parsed.username && !parsed.password) {
      return parsed
    }
    fault(name, secure ? 'write an https URL, or http on a loopback host' : 'write an http or https URL')
    return undefined
  }
  return {
    fault,
    text,
    url: (name: string): URL | undefined => url(name),
    secureUrl: (name: string): URL | undefined => url(name, true),
    redisUrl(name: string): URL | undefined {
      const value = text(name)
      if (value === undefined) return undefined
      const parsed = URL.parse(value)
      if (parsed?.protocol === 'redis:' || parsed?.protocol === 'rediss:') return parsed
      fault(name, 'write a redis or rediss URL')
      return undefined
    },
    /** Missing is a fault where one of the others is set. */
    needed(name: string, others: readonly string[]): string | undefined {
      const value = text(name)
      const beside = others.find((other) => other !== name && text(other) !== undefined)
      if (value === undefined && beside !== undefined) fault(name, `is missing, beside ${beside}`)
      return value
    },
    whole<D extends number | undefined>(name: string, otherwise: D, least: number, most: number): number | D {
      const value = text(name)
      if (value === undefined) return otherwise
      if (/^\d{1,15}$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value)
      fault(name, `write a whole number from ${least} to ${most}`)
      return otherwise
    },
    oneOf<V extends string>(name: string, known: readonly V[]): V | undefined {
      const value = text(name)
      const found = known.find((one) => one === value)
      if (value !== undefined && found === undefined)
        fault(name, `write ${known.join(' or ')}, or leave it unset`)
      return found
    },
    tenancy(name: string): string | undefined {
      const value = text(name)
      if (value === undefined || value === 'multi') return undefined
      if (/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/.test(value)) return value
      fault(name, "write multi, or the one organization's name: letters and digits, inside also . _ -")
      return undefined
    },
    /** A decimal → whole tokens in a whole number of milliseconds. */
    perSecond(name: string): { refill: number; perMs: number } {
      const value = text(name) ?? '1'
      if (/^\d{1,6}(?:\.\d{1,6})?$/.test(value) && Number(value) > 0) return perSecondOf(value)
      fault(name, 'write a decimal above 0 with at most six digits on each side of its point, such as 0.5')
      return perSecondOf('1')
    },
  }
}

function perSecondOf(decimal: string): { refill: number; perMs: number } {
  const [whole = '', fraction = ''] = decimal.split('.')
  return { refill: Number(whole + fraction), perMs: 1_000 * 10 ** fraction.length }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))
