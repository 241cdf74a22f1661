import * as check from '../check-options.ts'
import type { Claims } from '../ports.ts'
import { isJsonObject } from './fetch-json.ts'
import type { JwtVerifierOptions } from './jwt-options.ts'
import { audience, digits, guid, listOrFunction, oneOf, text } from './option-checks.ts'
import { namesOf, organizationsIn, readOrgAndScope, refuseUnless, wordsOf } from './principal.ts'

// Options of createJwtVerifier for the tokens of platforms (Microsoft, Amazon, Google, GitHub), written from the
// documentation of each platform. Google, GitHub Actions and Firebase clients send ID tokens as access tokens. If anybody can
// get a token for any audience, an option lists who may call.

/** Options of {@link entraId}. Give either `tenantId` or `tenantIds`. */
export interface EntraIdOptions {
  /** The directory (tenant) id, a GUID. */
  readonly tenantId?: string
  /** Several directory ids, or a function that decides whether a directory is trusted. It gets the id in lower case. */
  readonly tenantIds?: readonly string[] | ((tenantId: string) => boolean)
  /** The application (client) id of your API; for version 1 tokens its application ID URI. */
  readonly audience: string | readonly string[]
  /**
   * The version of the tokens: `requestedAccessTokenVersion` in your API's manifest.
   * @defaultValue 2
   */
  readonly version?: 1 | 2
}

/**
 * Microsoft Entra ID, in the global cloud. Organizations: `tid`. Capabilities: `scp` and `roles`. A token without `azp`
 * (version 1: `appid`) is not an access token and is refused. With version 1 and several directories, the verifier reads the
 * metadata at `https://sts.windows.net/<tenantId>/`, which Microsoft does not document.
 *
 * @throws TypeError for wrong options
 */
export function entraId(options: EntraIdOptions): JwtVerifierOptions {
  check.checkOptions('entraId', options, entraIdCheck)
  const { tenantId, tenantIds, audience: ours, version = 2 } = options
  oneOf('entraId', ['tenantId', tenantId], ['tenantIds', tenantIds])
  const issuerOf = (id: string): string =>
    version === 2
      ? `https://login.microsoftonline.com/${id.toLowerCase()}/v2.0`
      : `https://sts.windows.net/${id.toLowerCase()}/`
  const form = version === 2 ? ENTRA_V2 : ENTRA_V1
  const client = version === 2 ? 'azp' : 'appid'
  const isTrusted = (issuer: string): boolean => {
    const [, id] = form.exec(issuer) ?? []
    return id !== undefined && typeof tenantIds === 'function' && tenantIds(id)
  }
  return {
    issuer:
      tenantId !== undefined
        ? issuerOf(tenantId)
        : typeof tenantIds === 'function'
          ? isTrusted
          : (tenantIds ?? []).map(issuerOf),
    // Microsoft documents no metadata at the issuer of version 1.
    ...(version === 1 &&
      tenantId !== undefined && {
        jwks: new URL(`https://login.microsoftonline.com/${tenantId.toLowerCase()}/discovery/keys`),
      }),
    audience: ours,
    type: 'JWT',
    readClaims(claims) {
      refuseUnless(typeof claims[client] === 'string', `"${client}" is missing, which access tokens have`)
      return {
        organizations: organizationsIn(claims['tid']),
        capabilities: [...wordsOf(claims['scp']), ...wordsOf(claims['roles'])],
      }
    },
  }
}

const GUID = String.raw`([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})`
const ENTRA_V2 = new RegExp(String.raw`^https://login\.microsoftonline\.com/${GUID}/v2\.0$`)
const ENTRA_V1 = new RegExp(String.raw`^https://sts\.windows\.net/${GUID}/$`)

const entraIdCheck = check.object<EntraIdOptions>('{ tenantId or tenantIds, audience, version? }', {
  tenantId: guid.optional(),
  tenantIds: listOrFunction('GUIDs, the directory (tenant) ids', guid, '(tenantId) => boolean').optional(),
  audience,
  version: check.accept<1 | 2>('1 or 2', (value): value is 1 | 2 => value === 1 || value === 2).optional(),
})

/** Options of {@link cognito}. */
export interface CognitoOptions {
  /** `'eu-central-1_Example1'`. */
  readonly userPoolId: string
  /** The app clients whose access tokens may be for your service. */
  readonly clientIds: readonly string[]
  /**
   * The resource for which clients request their tokens (resource binding).
   * @defaultValue none. Then a token with an audience is refused, and only `clientIds` decides which tokens are for your
   *   service
   */
  readonly audience?: string | readonly string[]
}

/**
 * Amazon Cognito user pools. Organizations: a claim `org` that your trigger adds. Capabilities: `scope`. A token without
 * `token_use: access`, and a token of another client, are refused.
 *
 * @throws TypeError for wrong options
 */
export function cognito(options: CognitoOptions): JwtVerifierOptions {
  check.checkOptions('cognito', options, cognitoCheck)
  const { userPoolId, clientIds, audience: ours } = options
  const [region = ''] = userPoolId.split('_')
  const isOurs = ({ token_use: use, client_id: client }: Claims): boolean =>
    use === 'access' && typeof client === 'string' && clientIds.includes(client)
  return {
    issuer: `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`,
    ...(ours === undefined ? { audience: 'none', accept: isOurs } : { audience: ours }),
    type: 'any', // Cognito's header has no typ
    readClaims(claims) {
      refuseUnless(isOurs(claims), '"token_use" is not access, or "client_id" not one of `clientIds`')
      return readOrgAndScope(claims)
    },
  }
}

const cognitoCheck = check.object<CognitoOptions>('{ userPoolId, clientIds, audience? }', {
  userPoolId: text(
    "the id of the user pool, such as 'eu-central-1_Example1'",
    /^[a-z\d-]{1,55}_[A-Za-z\d]{1,55}$/,
  ),
  clientIds: check.listOf('ids of app clients', check.text('the id of an app client')),
  audience: audience.optional(),
})

const capabilityList = check.listOf('capabilities', check.text('a capability'))

/** Options of {@link google}. */
export interface GoogleOptions {
  /** The audience for which callers request the ID token: the address of your service, or a client id. */
  readonly audience: string | readonly string[]
  /**
   * The numeric ids (`sub`) of the accounts that may call. It is required because anybody can get a token for your
   * audience.
   */
  readonly accounts: readonly string[]
  /** The capabilities of every caller. */
  readonly capabilities: readonly string[]
}

/**
 * ID tokens that Google signs for service accounts. Google's access tokens are opaque, and Google has no introspection
 * endpoint (RFC 7662) for them. Organizations: `hd`, which service accounts do not have. ID tokens of a login (`nonce`,
 * `at_hash`) are refused.
 *
 * @throws TypeError for wrong options
 */
export function google(options: GoogleOptions): JwtVerifierOptions {
  check.checkOptions('google', options, googleCheck)
  const { audience: ours, accounts, capabilities } = options
  return {
    issuer: 'https://accounts.google.com',
    audience: ours,
    type: 'any',
    readClaims({ sub, hd }) {
      refuseUnless(typeof sub === 'string' && accounts.includes(sub), '"sub" is not one of `accounts`')
      return { organizations: organizationsIn(hd), capabilities }
    },
  }
}

const googleCheck = check.object<GoogleOptions>('{ audience, accounts, capabilities }', {
  audience,
  accounts: check.listOf('numeric ids of accounts, as digits', digits),
  capabilities: capabilityList,
})

/** Options of {@link githubActions}. */
export interface GithubActionsOptions {
  /** The audience for which the workflow requests the token. */
  readonly audience: string | readonly string[]
  /**
   * The numeric ids (`repository_owner_id`) of the organizations and users whose repositories may call. They are required
   * because anybody can get a token for your audience. They are ids because a name can pass to another owner.
   */
  readonly ownerIds: readonly string[]
  /** The capabilities of every caller. */
  readonly capabilities: readonly string[]
}

/**
 * ID tokens of GitHub Actions workflows. Organizations: `repository_owner`. The subject names the repository and its branch
 * or environment.
 *
 * @throws TypeError for wrong options
 */
export function githubActions(options: GithubActionsOptions): JwtVerifierOptions {
  check.checkOptions('githubActions', options, githubActionsCheck)
  const { audience: ours, ownerIds, capabilities } = options
  return {
    issuer: 'https://token.actions.githubusercontent.com',
    audience: ours,
    type: 'any',
    readClaims({ repository_owner_id: ownerId, repository_owner: owner }) {
      const isOurs = typeof ownerId === 'string' && ownerIds.includes(ownerId)
      refuseUnless(isOurs, '"repository_owner_id" is not one of `ownerIds`')
      return { organizations: namesOf(owner), capabilities }
    },
  }
}

const githubActionsCheck = check.object<GithubActionsOptions>('{ audience, ownerIds, capabilities }', {
  audience,
  ownerIds: check.listOf('numeric ids of owners, as digits', digits),
  capabilities: capabilityList,
})

/** Options of {@link firebase}. */
export interface FirebaseOptions {
  /** The id of the project. It is the audience of the tokens, and part of their issuer. */
  readonly projectId: string
}

/**
 * ID tokens of Firebase Authentication, which its clients send as access tokens. Organizations: the tenant of Identity
 * Platform, or the custom claim `org` if there is no tenant. Capabilities: the custom claim `scope`. Only your server can
 * set custom claims.
 *
 * @throws TypeError for wrong options
 */
export function firebase(options: FirebaseOptions): JwtVerifierOptions {
  check.checkOptions('firebase', options, firebaseCheck)
  const { projectId } = options
  return {
    issuer: `https://securetoken.google.com/${projectId}`,
    audience: projectId,
    type: 'any',
    readClaims({ firebase: about, org, scope }) {
      const tenant = isJsonObject(about) ? about['tenant'] : undefined
      return {
        organizations: organizationsIn(tenant === undefined ? org : tenant),
        capabilities: wordsOf(scope),
      }
    },
  }
}

const firebaseCheck = check.object<FirebaseOptions>('{ projectId }', {
  projectId: text("the id of the project, such as 'example-1a2b3'", /^[a-z][a-z\d-]{4,28}[a-z\d]$/),
})
