import * as check from '../check-options.ts'
import type { Claims, ReadClaims } from '../ports.ts'
import { isDiscoverable } from './discovery.ts'
import { isJsonObject } from './fetch-json.ts'
import type { JwtVerifierOptions } from './jwt-options.ts'
import { audience, digits, domain, guid, listOrFunction, oneOf, text } from './option-checks.ts'
import { namesOf, organizationsIn, readOrgAndScope, refuseUnless, wordsOf } from './principal.ts'

// Options of createJwtVerifier for the tokens of well-known issuers, by their documentation. Where a token is no access
// token of its issuer, readClaims refuses it: only there is known which claims those have.

/** Options of {@link entraId}. Give either `tenantId` or `tenantIds`. */
export interface EntraIdOptions {
  /** The directory (tenant) id, a GUID. */
  readonly tenantId?: string
  /** Several of them, or a function that says whether a directory is trusted. It is given the id in lower case. */
  readonly tenantIds?: readonly string[] | ((tenantId: string) => boolean)
  /** The application (client) id of your API; for version 1 tokens its application ID URI. */
  readonly audience: string | readonly string[]
  /**
   * The version of the tokens, as `requestedAccessTokenVersion` of your API's manifest says.
   * @defaultValue 2
   */
  readonly version?: 1 | 2
}

/**
 * Microsoft Entra ID, in the global cloud. Organizations: `tid`. Capabilities: `scp` and `roles`. A token without `azp`
 * (version 1: `appid`) is no access token and refused. Several directories with version 1 need metadata at
 * `https://sts.windows.net/<tenantId>/`, which Microsoft does not document.
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

/** Options of {@link auth0}. */
export interface Auth0Options {
  /** `'example.eu.auth0.com'`, or your custom domain. */
  readonly domain: string
  /** The identifier of your API. */
  readonly audience: string | readonly string[]
  /**
   * The token profile of your API.
   * @defaultValue `'auth0'`
   */
  readonly profile?: 'auth0' | 'rfc9068'
}

/**
 * Auth0. Organizations: `org_id`. Capabilities: `permissions`, which is there with RBAC, or else `scope`.
 *
 * @throws TypeError for wrong options
 */
export function auth0(options: Auth0Options): JwtVerifierOptions {
  check.checkOptions('auth0', options, auth0Check)
  return {
    issuer: `https://${options.domain}/`,
    audience: options.audience,
    type: options.profile === 'rfc9068' ? 'at+jwt' : 'JWT',
    readClaims: ({ org_id: organization, permissions, scope }) => ({
      organizations: organizationsIn(organization),
      capabilities: wordsOf(permissions === undefined ? scope : permissions),
    }),
  }
}

const auth0Check = check.object<Auth0Options>('{ domain, audience, profile? }', {
  domain,
  audience,
  profile: check.oneOf('auth0', 'rfc9068').optional(),
})

/** Options of {@link okta}. */
export interface OktaOptions {
  /** `'example.okta.com'`, or your custom domain. */
  readonly domain: string
  /**
   * The id of the custom authorization server. Tokens of the organization's own server are for Okta alone.
   * @defaultValue `'default'`
   */
  readonly authorizationServer?: string
  /** The audience of that server. */
  readonly audience: string | readonly string[]
}

/**
 * Okta, custom authorization servers. Organizations: a claim `org` that you add to the server. Capabilities: `scp`. A token
 * without `cid` is no access token and refused.
 *
 * @throws TypeError for wrong options
 */
export function okta(options: OktaOptions): JwtVerifierOptions {
  check.checkOptions('okta', options, oktaCheck)
  const { domain: host, authorizationServer = 'default', audience: ours } = options
  return {
    issuer: `https://${host}/oauth2/${authorizationServer}`,
    audience: ours,
    type: 'any', // Okta's header has no typ
    readClaims({ cid, org, scp }) {
      refuseUnless(typeof cid === 'string', '"cid" is missing, which access tokens have')
      return { organizations: organizationsIn(org), capabilities: wordsOf(scp) }
    },
  }
}

const oktaCheck = check.object<OktaOptions>('{ domain, audience, authorizationServer? }', {
  domain,
  authorizationServer: text("the id of the server, such as 'default'", /^\w{1,64}$/).optional(),
  audience,
})

/** Options of {@link cognito}. */
export interface CognitoOptions {
  /** `'eu-central-1_Example1'`. */
  readonly userPoolId: string
  /** The app clients whose access tokens may be for your service. */
  readonly clientIds: readonly string[]
  /**
   * The resource that clients ask their tokens for (resource binding).
   * @defaultValue none: a token that names an audience is refused, and nothing but its client says that it is for you
   */
  readonly audience?: string | readonly string[]
}

/**
 * Amazon Cognito user pools. Organizations: a claim `org` that a trigger of yours adds. Capabilities: `scope`. A token without
 * `token_use: access`, or of another client, is refused.
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

/** Options of {@link keycloak}. Give either `realm` or `realms`. */
export interface KeycloakOptions {
  /** Where Keycloak is, as its tokens say: `'https://login.example.com'`; versions before 17 end in `/auth`. */
  readonly url: string
  /** The name of the one trusted realm, such as `'customers'`. Absent: give `realms`. */
  readonly realm?: string
  /** Several realms, or a function that says whether a realm is trusted. */
  readonly realms?: readonly string[] | ((realm: string) => boolean)
  /** What an audience mapper adds: the client id of your service. Its client roles are capabilities too. */
  readonly audience: string | readonly string[]
  /**
   * The `typ` of the header: `'at+jwt'` if the client's setting "Use at+jwt as access token header type" is on.
   * @defaultValue `'JWT'`
   */
  readonly type?: 'JWT' | 'at+jwt'
}

/**
 * Keycloak. Organizations: `organization`, a name, a list, or an object whose members are the names; or else `org`.
 * Capabilities: `scope`, and the roles of the client that `audience` names. A token whose claim `typ` is not `Bearer` is
 * refused.
 *
 * @throws TypeError for wrong options
 */
export function keycloak(options: KeycloakOptions): JwtVerifierOptions {
  check.checkOptions('keycloak', options, keycloakCheck)
  const { url, realm, realms, audience: ours, type = 'JWT' } = options
  oneOf('keycloak', ['realm', realm], ['realms', realms])
  const base = `${url.replace(/\/$/, '')}/realms/`
  const isTrusted = (issuer: string): boolean => {
    const name = issuer.startsWith(base) ? issuer.slice(base.length) : ''
    return REALM.test(name) && typeof realms === 'function' && realms(name)
  }
  const clients = [ours].flat()
  return {
    issuer:
      realm !== undefined
        ? base + realm
        : typeof realms === 'function'
          ? isTrusted
          : (realms ?? []).map((name) => base + name),
    audience: ours,
    type,
    readClaims({ typ, scope, org, organization, resource_access: access }) {
      refuseUnless(typ === 'Bearer', '"typ" among the claims is not Bearer, which access tokens have')
      return {
        organizations: isJsonObject(organization)
          ? Object.keys(organization)
          : organizationsIn(organization === undefined ? org : organization),
        capabilities: [...wordsOf(scope), ...clients.flatMap((client) => clientRoles(access, client))],
      }
    },
  }
}

const REALM = /^[\w.-]{1,255}$/

function clientRoles(access: unknown, client: string): readonly string[] {
  const roles = isJsonObject(access) && Object.hasOwn(access, client) ? access[client] : undefined
  return isJsonObject(roles) ? wordsOf(roles['roles']) : []
}

const realmName = text('the name of a realm: letters, digits, . _ -', REALM)
const keycloakCheck = check.object<KeycloakOptions>('{ url, realm or realms, audience, type? }', {
  url: check.accept(
    'an https URL without query and fragment, or http on a loopback host',
    (value): value is string => typeof value === 'string' && isDiscoverable(value),
    check.shown,
  ),
  realm: realmName.optional(),
  realms: listOrFunction(
    'names of realms: letters, digits, . _ -',
    realmName,
    '(realm) => boolean',
  ).optional(),
  audience,
  type: check.oneOf('JWT', 'at+jwt').optional(),
})

/** Options of {@link zitadel}. */
export interface ZitadelOptions {
  /** `'example.zitadel.cloud'`, or your custom domain. */
  readonly domain: string
  /** The id of your API's project: its tokens' audience. */
  readonly projectId: string
}

/**
 * Zitadel, with JWT access tokens. Callers ask for the scopes `urn:zitadel:iam:user:resourceowner` and
 * `urn:zitadel:iam:org:projects:roles`. Organizations: the id of the user's organization; a token without it is of none that
 * exists. Capabilities: the project's roles that were granted in that organization. A token with a mark of a login
 * (`auth_time`, `amr`, `sid`) is an ID token and refused.
 *
 * @throws TypeError for wrong options
 */
export function zitadel(options: ZitadelOptions): JwtVerifierOptions {
  check.checkOptions('zitadel', options, zitadelCheck)
  const { domain: host, projectId } = options
  return {
    issuer: `https://${host}`,
    audience: projectId,
    type: 'any', // its tokens have no scope, which 'JWT' would require
    readClaims(claims) {
      const mark = ['auth_time', 'amr', 'sid'].find((name) => Object.hasOwn(claims, name))
      refuseUnless(mark === undefined, `"${mark}" marks an ID token`)
      const [organization = ''] = namesOf(claims['urn:zitadel:iam:user:resourceowner:id'])
      const roles = claims[`urn:zitadel:iam:org:project:${projectId}:roles`]
      return { organizations: [organization], capabilities: rolesIn(organization, roles) }
    },
  }
}

/** `{ role: { organization: domain } }`: a role counts only in the organization that granted it. */
const rolesIn = (organization: string, roles: unknown): readonly string[] =>
  Object.entries(isJsonObject(roles) ? roles : {})
    .filter(([, granted]) => isJsonObject(granted) && Object.hasOwn(granted, organization))
    .map(([role]) => role)

const zitadelCheck = check.object<ZitadelOptions>('{ domain, projectId }', { domain, projectId: digits })

/** Options of {@link oryHydra}. */
export interface OryHydraOptions {
  /** `urls.self.issuer` of its configuration, with the slash at its end if it has one there. */
  readonly issuer: string
  /** What the consent grants as audience. */
  readonly audience: string | readonly string[]
}

/**
 * Ory Hydra, with the access token strategy `jwt`. Organizations: `org` in `ext`, which the consent sets. Capabilities: `scope` or
 * `scp`. For opaque tokens give `readClaims` to `createIntrospectionVerifier`.
 *
 * @throws TypeError for wrong options
 */
export function oryHydra(options: OryHydraOptions): JwtVerifierOptions {
  check.checkOptions('oryHydra', options, oryHydraCheck)
  const readClaims: ReadClaims = ({ ext, scope, scp }: Claims) => ({
    organizations: ext === undefined ? [] : isJsonObject(ext) ? organizationsIn(ext['org']) : [''],
    capabilities: wordsOf(scope === undefined ? scp : scope),
  })
  return { issuer: options.issuer, audience: options.audience, type: 'JWT', readClaims }
}

const oryHydraCheck = check.object<OryHydraOptions>('{ issuer, audience }', {
  issuer: check.accept(
    'an https URL without query and fragment, or http on a loopback host',
    (value): value is string => typeof value === 'string' && isDiscoverable(value),
    check.shown,
  ),
  audience,
})
