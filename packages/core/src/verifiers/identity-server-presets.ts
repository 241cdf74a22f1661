import * as check from '../check-options.ts'
import type { Claims, ReadClaims } from '../ports.ts'
import { isDiscoverable } from './discovery.ts'
import { isJsonObject } from './fetch-json.ts'
import type { JwtVerifierOptions } from './jwt-options.ts'
import { audience, digits, domain, listOrFunction, oneOf, text } from './option-checks.ts'
import { namesOf, organizationsIn, refuseUnless, wordsOf } from './principal.ts'

// Options of createJwtVerifier for the access tokens of identity servers, written from the documentation of each server. Some
// ID tokens pass the checks of createJwtVerifier. readClaims refuses them by their claims.

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
 * Auth0. Organizations: `org_id`. Capabilities: `permissions`, which tokens have if RBAC is on, or else `scope`.
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
   * The id of the custom authorization server. The access tokens of the organization's built-in server are for Okta only.
   * @defaultValue `'default'`
   */
  readonly authorizationServer?: string
  /** The audience of that server. */
  readonly audience: string | readonly string[]
}

/**
 * Okta, custom authorization servers. Organizations: a claim `org` that you add to the server. Capabilities: `scp`. A token
 * without `cid` is not an access token and is refused.
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

/** Options of {@link keycloak}. Give either `realm` or `realms`. */
export interface KeycloakOptions {
  /**
   * The address of Keycloak, as in the `iss` of its tokens: `'https://login.example.com'`. Before version 17, it ends in
   * `/auth`.
   */
  readonly url: string
  /** The name of the trusted realm, such as `'customers'`. To trust several realms, give `realms`. */
  readonly realm?: string
  /** The names of several realms, or a function that decides whether a realm is trusted. */
  readonly realms?: readonly string[] | ((realm: string) => boolean)
  /** The client id of your service, which an audience mapper adds to the tokens. Its client roles are capabilities too. */
  readonly audience: string | readonly string[]
  /**
   * The `typ` of the header: `'at+jwt'` if the client's setting "Use at+jwt as access token header type" is on.
   * @defaultValue `'JWT'`
   */
  readonly type?: 'JWT' | 'at+jwt'
}

/**
 * Keycloak. Organizations: `organization`, which is a name, a list of names, or an object whose members are named after the
 * organizations. If there is no `organization`, `org` is read. Capabilities: `scope`, and the roles of the client that
 * `audience` names. A token whose claim `typ` is not `Bearer` is refused.
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
  /** The id of your API's project. It is the audience of the tokens. */
  readonly projectId: string
}

/**
 * Zitadel, with JWT access tokens. Callers ask for the scopes `urn:zitadel:iam:user:resourceowner` and
 * `urn:zitadel:iam:org:projects:roles`. Organizations: the id of the user's organization. A token without it matches no
 * organization. Capabilities: the project's roles that were granted in that organization. A token with a claim of a login
 * (`auth_time`, `amr`, `sid`) is an ID token and is refused.
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

/** Reads `{ role: { organization: domain } }`. A role counts only in the organization that granted it. */
const rolesIn = (organization: string, roles: unknown): readonly string[] =>
  Object.entries(isJsonObject(roles) ? roles : {})
    .filter(([, granted]) => isJsonObject(granted) && Object.hasOwn(granted, organization))
    .map(([role]) => role)

const zitadelCheck = check.object<ZitadelOptions>('{ domain, projectId }', { domain, projectId: digits })

/** Options of {@link oryHydra}. */
export interface OryHydraOptions {
  /** `urls.self.issuer` of Hydra's configuration, exactly as written there, including a slash at its end. */
  readonly issuer: string
  /** The audience that the consent grants. */
  readonly audience: string | readonly string[]
}

/**
 * Ory Hydra, with the access token strategy `jwt`. Organizations: `org` in `ext`, which the consent sets. Capabilities:
 * `scope`, or `scp` if there is no `scope`. For opaque tokens give `readClaims` to `createIntrospectionVerifier`.
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
