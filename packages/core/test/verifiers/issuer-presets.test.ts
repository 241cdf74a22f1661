import { describe, expect, test } from 'vitest'

import {
  auth0,
  cognito,
  entraId,
  firebase,
  githubActions,
  google,
  keycloak,
  okta,
  oryHydra,
  zitadel,
} from '../../src/issuers.ts'
import type { Claims } from '../../src/ports.ts'
import type { JwtVerifierOptions } from '../../src/verifiers/jwt-options.ts'
import { createJwtVerifier, createJwtVerifierIn } from '../../src/verifiers/jwt-verifier.ts'
import { jws, rsaSigner } from './forge.ts'
import { issuersOnline } from './issuers-online.ts'
import { createTestWorld } from './runtime.ts'
import { verdictOf } from './verdict.ts'

// Headers and claims as the vendors' documentation shows them, with our own times, ids and signature.

const startMs = 1_800_000_000_000
const now = startMs / 1_000
const signer = rsaSigner('kid-1')
const times = { iat: now - 60, exp: now + 3_540 }
const { signal } = new AbortController()

const tenant = 'aaaabbbb-0000-cccc-1111-dddd2222eeee'
const other = '11112222-bbbb-3333-cccc-4444dddd5555'
const api = '00001111-aaaa-2222-bbbb-3333cccc4444'
const plain = { alg: 'RS256', kid: 'kid-1' }
const jwt = { ...plain, typ: 'JWT' }
const v2 = (id: string): string => `https://login.microsoftonline.com/${id}/v2.0`

interface Shape {
  readonly options: JwtVerifierOptions
  readonly header: Claims
  readonly claims: Claims & { readonly iss: string }
  readonly organizations: readonly string[]
  readonly capabilities: readonly string[]
}

const entraUser = {
  aud: api,
  iss: v2(tenant),
  nbf: now - 60,
  ...times,
  aio: 'AXQAi/8TAAAA',
  azp: 'client-1',
  azpacr: '0',
  name: 'Ann',
  oid: '00000000-0000-0000-66f3-3332eca7ea81',
  preferred_username: 'ann@example.com',
  rh: 'I',
  scp: 'Exports.Download User.Read',
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  tid: tenant,
  uti: 'fqiBqXLPj0eQa82S-IYFAA',
  ver: '2.0',
}
const entra = entraId({ tenantId: tenant, audience: api })
const auth0Claims = {
  iss: 'https://my-domain.eu.auth0.com/',
  sub: 'auth0|123456',
  aud: ['https://example.com/exports', 'https://my-domain.eu.auth0.com/userinfo'],
  azp: 'client-1',
  ...times,
  scope: 'openid profile exports:download',
}
const auth0Options = { domain: 'my-domain.eu.auth0.com', audience: 'https://example.com/exports' } as const
const oktaClaims = {
  ver: 1,
  jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
  iss: 'https://example.okta.com/oauth2/default',
  aud: 'api://default',
  ...times,
  cid: 'client-1',
  uid: '00uid4BxXw6I6TV4m0g3',
  scp: ['openid', 'exports:download'],
  sub: 'ann@example.com',
}
const cognitoClaims = {
  sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  'cognito:groups': ['testgroup'],
  iss: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example1',
  version: 2,
  client_id: 'client-1',
  origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  token_use: 'access',
  scope: 'exports/download phone openid',
  auth_time: now - 60,
  ...times,
  jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  username: 'ann',
}
const keycloakClaims = {
  ...times,
  auth_time: now - 61,
  jti: 'onrtac:5b2a',
  iss: 'https://login.example.com/realms/acme',
  aud: ['exports', 'account'],
  sub: 'f:1:ann',
  typ: 'Bearer',
  azp: 'web',
  sid: '6f0c',
  acr: '1',
  realm_access: { roles: ['offline_access', 'uma_authorization'] },
  resource_access: { exports: { roles: ['download'] }, account: { roles: ['manage-account'] } },
  scope: 'openid email profile',
  organization: ['acme'],
}
const keycloakOptions = { url: 'https://login.example.com/', audience: 'exports' } as const
const googleClaims = {
  iss: 'https://accounts.google.com',
  aud: 'https://exports.example.com',
  azp: '110000000000000000001',
  email: 'job@example.iam.gserviceaccount.com',
  email_verified: true,
  sub: '110000000000000000001',
  ...times,
}
const zitadelClaims = {
  iss: 'https://example.zitadel.cloud',
  sub: '345377791925026818',
  aud: ['344374183645413380', '344374183645413381@exports'],
  ...times,
  nbf: now - 60,
  client_id: 'service-user',
  jti: '345377791925026819',
  'urn:zitadel:iam:user:resourceowner:id': '344373908297744388',
  'urn:zitadel:iam:user:resourceowner:name': 'acme',
  'urn:zitadel:iam:user:resourceowner:primary_domain': 'acme.example.com',
  'urn:zitadel:iam:org:project:344374183645413380:roles': {
    download: { '344373908297744388': 'acme.example.com' },
    delete: { '999999999999999999': 'globex.example.com' },
  },
}
const hydraClaims = {
  aud: ['exports'],
  client_id: 'client-1',
  ...times,
  ext: { org: 'acme' },
  iss: 'https://hydra.example.com/',
  jti: '4ab5c4d3',
  nbf: now - 60,
  scp: ['offline', 'exports:download'],
  sub: 'ann',
}
const githubClaims = {
  jti: 'example-id',
  sub: 'repo:octo-org/octo-repo:environment:prod',
  environment: 'prod',
  aud: 'https://exports.example.com',
  ref: 'refs/heads/main',
  sha: 'example-sha',
  repository: 'octo-org/octo-repo',
  repository_owner: 'octo-org',
  actor_id: '12',
  repository_visibility: 'private',
  repository_id: '74',
  repository_owner_id: '65',
  run_id: 'example-run-id',
  event_name: 'workflow_dispatch',
  runner_environment: 'github-hosted',
  job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main',
  iss: 'https://token.actions.githubusercontent.com',
  nbf: now - 60,
  ...times,
}
const firebaseClaims = {
  name: 'Ann',
  iss: 'https://securetoken.google.com/example-1a2b3',
  aud: 'example-1a2b3',
  auth_time: now - 61,
  user_id: 'uid-1',
  sub: 'uid-1',
  ...times,
  email: 'ann@example.com',
  email_verified: true,
  firebase: { identities: { email: ['ann@example.com'] }, sign_in_provider: 'password' },
  org: 'acme',
  scope: 'exports:download',
}
const allowed = { capabilities: ['exports:download'] }
const googleSound = google({ audience: googleClaims.aud, accounts: [googleClaims.sub], ...allowed })
const github = githubActions({ audience: githubClaims.aud, ownerIds: ['65'], ...allowed })
const zitadelSound = zitadel({ domain: 'example.zitadel.cloud', projectId: '344374183645413380' })
const cognitoSound = cognito({ userPoolId: 'us-west-2_example1', clientIds: ['client-1'] })
const oktaSound = okta({ domain: 'example.okta.com', audience: 'api://default' })
const hydra = oryHydra({ issuer: 'https://hydra.example.com/', audience: 'exports' })
const firebaseSound = firebase({ projectId: 'example-1a2b3' })
const keycloakSound = keycloak({ ...keycloakOptions, realm: 'acme' })

const shapes: Readonly<Record<string, Shape>> = {
  'Entra ID, a user': {
    options: entra,
    header: jwt,
    claims: entraUser,
    organizations: [tenant],
    capabilities: ['Exports.Download', 'User.Read'],
  },
  'Entra ID, an application': {
    options: entra,
    header: jwt,
    claims: { ...entraUser, azpacr: '1', idtyp: 'app', scp: undefined, roles: ['Exports.All'] },
    organizations: [tenant],
    capabilities: ['Exports.All'],
  },
  'Entra ID, version 1': {
    options: entraId({ tenantId: tenant.toUpperCase(), audience: 'api://exports', version: 1 }),
    header: { ...jwt, x5t: 'kid-1' },
    claims: {
      ...entraUser,
      aud: 'api://exports',
      iss: `https://sts.windows.net/${tenant}/`,
      azp: undefined,
      appid: 'client-1',
      appidacr: '0',
      ver: '1.0',
    },
    organizations: [tenant],
    capabilities: ['Exports.Download', 'User.Read'],
  },
  'Entra ID, several directories by list': {
    options: entraId({ tenantIds: [other, tenant], audience: api }),
    header: jwt,
    claims: entraUser,
    organizations: [tenant],
    capabilities: ['Exports.Download', 'User.Read'],
  },
  'Entra ID, several directories by function': {
    options: entraId({ tenantIds: (id) => id === other, audience: api }),
    header: jwt,
    claims: { ...entraUser, iss: v2(other), tid: other },
    organizations: [other],
    capabilities: ['Exports.Download', 'User.Read'],
  },
  'Auth0, its own profile': {
    options: auth0(auth0Options),
    header: jwt,
    claims: auth0Claims,
    organizations: [],
    capabilities: ['openid', 'profile', 'exports:download'],
  },
  'Auth0, a member of an organization, with RBAC': {
    options: auth0(auth0Options),
    header: jwt,
    claims: { ...auth0Claims, org_id: 'org_1', permissions: ['exports:download'] },
    organizations: ['org_1'],
    capabilities: ['exports:download'],
  },
  'Auth0, a machine': {
    options: auth0(auth0Options),
    header: jwt,
    claims: {
      ...auth0Claims,
      sub: 'client-1@clients',
      aud: auth0Options.audience,
      gty: 'client-credentials',
    },
    organizations: [],
    capabilities: ['openid', 'profile', 'exports:download'],
  },
  'Auth0, RFC 9068': {
    options: auth0({ ...auth0Options, profile: 'rfc9068' }),
    header: { ...plain, typ: 'at+jwt' },
    claims: { ...auth0Claims, azp: undefined, client_id: 'client-1', jti: '73WakrfVbNJBaAmhQtEeDv' },
    organizations: [],
    capabilities: ['openid', 'profile', 'exports:download'],
  },
  Okta: {
    options: oktaSound,
    header: plain,
    claims: { ...oktaClaims, org: 'acme' },
    organizations: ['acme'],
    capabilities: ['openid', 'exports:download'],
  },
  'Okta, a server of its own': {
    options: okta({
      domain: 'example.okta.com',
      authorizationServer: 'aus9o8wzkhckw9TLa0h7z',
      audience: 'a',
    }),
    header: plain,
    claims: { ...oktaClaims, iss: 'https://example.okta.com/oauth2/aus9o8wzkhckw9TLa0h7z', aud: 'a' },
    organizations: [],
    capabilities: ['openid', 'exports:download'],
  },
  Cognito: {
    options: cognitoSound,
    header: plain,
    claims: cognitoClaims,
    organizations: [],
    capabilities: ['exports/download', 'phone', 'openid'],
  },
  'Cognito, for a resource': {
    options: cognito({
      userPoolId: 'us-west-2_example1',
      clientIds: ['client-1'],
      audience: 'https://exports.example.com',
    }),
    header: plain,
    claims: { ...cognitoClaims, aud: 'https://exports.example.com', org: 'acme' },
    organizations: ['acme'],
    capabilities: ['exports/download', 'phone', 'openid'],
  },
  Keycloak: {
    options: keycloakSound,
    header: jwt,
    claims: keycloakClaims,
    organizations: ['acme'],
    capabilities: ['openid', 'email', 'profile', 'download'],
  },
  'Keycloak, organizations with attributes': {
    options: keycloakSound,
    header: jwt,
    claims: { ...keycloakClaims, organization: { acme: { id: '1' }, globex: {} } },
    organizations: ['acme', 'globex'],
    capabilities: ['openid', 'email', 'profile', 'download'],
  },
  'Keycloak below 25, with the nonce of the login and a mapper to org': {
    options: keycloak({ ...keycloakOptions, url: 'https://login.example.com/auth', realm: 'acme' }),
    header: jwt,
    claims: {
      ...keycloakClaims,
      iss: 'https://login.example.com/auth/realms/acme',
      nonce: 'n',
      organization: undefined,
      org: 'acme',
      session_state: '6f0c',
    },
    organizations: ['acme'],
    capabilities: ['openid', 'email', 'profile', 'download'],
  },
  'Keycloak, several realms by list, at+jwt': {
    options: keycloak({ ...keycloakOptions, realms: ['globex', 'acme'], type: 'at+jwt' }),
    header: { ...plain, typ: 'at+jwt' },
    claims: keycloakClaims,
    organizations: ['acme'],
    capabilities: ['openid', 'email', 'profile', 'download'],
  },
  'Keycloak, several realms by function': {
    options: keycloak({ ...keycloakOptions, realms: (realm) => realm === 'acme' }),
    header: jwt,
    claims: { ...keycloakClaims, resource_access: undefined },
    organizations: ['acme'],
    capabilities: ['openid', 'email', 'profile'],
  },
  'Google, a service account': {
    options: googleSound,
    header: jwt,
    claims: googleClaims,
    organizations: [],
    capabilities: ['exports:download'],
  },
  Zitadel: {
    options: zitadelSound,
    header: plain,
    claims: zitadelClaims,
    organizations: ['344373908297744388'],
    capabilities: ['download'],
  },
  'Zitadel, without the organization': {
    options: zitadelSound,
    header: plain,
    claims: { ...zitadelClaims, 'urn:zitadel:iam:user:resourceowner:id': undefined },
    organizations: [''],
    capabilities: [],
  },
  'Ory Hydra': {
    options: hydra,
    header: jwt,
    claims: hydraClaims,
    organizations: ['acme'],
    capabilities: ['offline', 'exports:download'],
  },
  'Ory Hydra, a machine': {
    options: hydra,
    header: jwt,
    claims: { ...hydraClaims, ext: {}, sub: 'client-1' },
    organizations: [],
    capabilities: ['offline', 'exports:download'],
  },
  'GitHub Actions': {
    options: github,
    header: { ...jwt, x5t: 'example-thumbprint' },
    claims: githubClaims,
    organizations: ['octo-org'],
    capabilities: ['exports:download'],
  },
  Firebase: {
    options: firebaseSound,
    header: jwt,
    claims: firebaseClaims,
    organizations: ['acme'],
    capabilities: ['exports:download'],
  },
  'Firebase, a tenant of Identity Platform': {
    options: firebaseSound,
    header: jwt,
    claims: { ...firebaseClaims, firebase: { ...firebaseClaims.firebase, tenant: 'globex-1' } },
    organizations: ['globex-1'],
    capabilities: ['exports:download'],
  },
}

const online = issuersOnline([])
const verify = (options: JwtVerifierOptions, header: Claims, claims: Claims & { readonly iss: string }) => {
  online.publish(claims.iss.replace(/\/$/, ''), { keys: [signer.jwk] })
  online.pages.set(`${claims.iss.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    issuer: claims.iss,
    jwks_uri: `${claims.iss.replace(/\/$/, '')}/keys`,
  })
  if (options.jwks instanceof URL) online.pages.set(options.jwks.href, { keys: [signer.jwk] })
  const verifier = createJwtVerifierIn(createTestWorld(startMs), { ...options, fetch: online.fetch })
  return verifier.verify(jws(header, claims, signer), signal)
}

describe('a token of', () => {
  test.each(Object.entries(shapes))(
    '%s',
    async (_, { options, header, claims, organizations, capabilities }) => {
      expect(await verify(options, header, claims)).toMatchObject({
        issuer: claims.iss,
        subject: claims['sub'],
        organizations,
        capabilities,
      })
    },
  )
})

/** By shape: what is changed in it. */
const refused: readonly (readonly [string, keyof typeof shapes, Claims])[] = [
  ['Entra ID, another directory', 'Entra ID, a user', { iss: v2(other), tid: other }],
  ['Entra ID, another cloud', 'Entra ID, a user', { iss: `https://login.microsoftonline.us/${tenant}/v2.0` }],
  ['Entra ID, an ID token with roles', 'Entra ID, an application', { azp: undefined, azpacr: undefined }],
  ['Entra ID, a version 1 token', 'Entra ID, a user', { iss: `https://sts.windows.net/${tenant}/` }],
  ['Entra ID, an untrusted directory', 'Entra ID, several directories by function', { iss: v2(tenant) }],
  [
    'Entra ID, a name that only begins like a directory',
    'Entra ID, several directories by function',
    { iss: `${v2(other)}/x` },
  ],
  ['Auth0, for userinfo alone', 'Auth0, its own profile', { aud: 'https://my-domain.eu.auth0.com/userinfo' }],
  ['Auth0, an ID token', 'Auth0, its own profile', { aud: 'client-1', scope: undefined, nonce: 'n' }],
  ['Okta, an ID token', 'Okta', { cid: undefined, scp: undefined }],
  ["Okta, the organization's own server", 'Okta', { iss: 'https://example.okta.com' }],
  ['Cognito, an ID token', 'Cognito', { token_use: 'id', aud: 'client-1', client_id: undefined }],
  ['Cognito, an ID token without aud', 'Cognito', { token_use: 'id' }],
  ['Cognito, another client', 'Cognito', { client_id: 'client-2' }],
  ['Cognito, for a resource', 'Cognito', { aud: 'https://other.example.com' }],
  ['Cognito, for a resource, another client', 'Cognito, for a resource', { client_id: 'client-2' }],
  ['Cognito, for a resource, an ID token', 'Cognito, for a resource', { token_use: 'id' }],
  ['Cognito, without the resource', 'Cognito, for a resource', { aud: undefined }],
  ['Keycloak, an ID token', 'Keycloak', { typ: 'ID' }],
  ['Keycloak, a token without typ', 'Keycloak', { typ: undefined }],
  ['Keycloak, a refresh token', 'Keycloak', { typ: 'Refresh' }],
  ['Keycloak, another realm', 'Keycloak', { iss: 'https://login.example.com/realms/globex' }],
  [
    'Keycloak, a realm with a path',
    'Keycloak, several realms by function',
    { iss: 'https://login.example.com/realms/acme/../globex' },
  ],
  ['Keycloak, for the account alone', 'Keycloak', { aud: 'account' }],
  ['Google, another account', 'Google, a service account', { sub: '110000000000000000002' }],
  ['Google, an ID token of a login', 'Google, a service account', { at_hash: 'x' }],
  ['Zitadel, an ID token', 'Zitadel', { auth_time: now, amr: ['pwd'] }],
  ['Ory Hydra, without an audience', 'Ory Hydra', { aud: [] }],
  ['GitHub Actions, another owner of the same name', 'GitHub Actions', { repository_owner_id: '66' }],
  ['GitHub Actions, an owner id as a number', 'GitHub Actions', { repository_owner_id: 65 }],
  [
    'Firebase, another project',
    'Firebase',
    { iss: 'https://securetoken.google.com/example-2', aud: 'example-2' },
  ],
  ['Firebase, a session cookie', 'Firebase', { iss: 'https://session.firebase.google.com/example-1a2b3' }],
]

describe('refused is a token of', () => {
  test.each(refused)('%s', async (_, name, changes) => {
    const { options, header, claims } = shapes[name] ?? {
      options: entra,
      header: {},
      claims: { iss: 'https://no-such-shape.example' },
    }
    expect(await verdictOf(verify(options, header, { ...claims, ...changes }))).toBe('token_invalid')
  })
})

test.each<[string, Claims, readonly string[]]>([
  ['Entra ID, a user', { tid: 5 }, ['']],
  ['Auth0, its own profile', { org_id: null }, ['']],
  ['Okta', { org: '' }, ['']],
  ['Keycloak', { organization: 5 }, ['']],
  ['Ory Hydra', { ext: 'acme' }, ['']],
  ['Ory Hydra', { ext: { org: [] } }, []],
  ['GitHub Actions', { repository_owner: undefined }, ['']],
  ['Firebase', { firebase: { tenant: {} } }, ['']],
  ['Zitadel', { 'urn:zitadel:iam:user:resourceowner:id': 5 }, ['']],
])('%s with %j is of no organization that exists', async (name, changes, organizations) => {
  const { options, header, claims } = shapes[name] ?? {
    options: entra,
    header: {},
    claims: { iss: 'https://no-such-shape.example' },
  }
  expect((await verify(options, header, { ...claims, ...changes })).organizations).toEqual(organizations)
})

const presets: Readonly<Record<string, (given: never) => JwtVerifierOptions>> = {
  auth0,
  cognito,
  entraId,
  firebase,
  githubActions,
  google,
  keycloak,
  okta,
  oryHydra,
  zitadel,
}

describe('wrong options', () => {
  test.each<[string, unknown, string]>([
    ['entraId', { audience: api }, 'entraId: tenantId: must be given, or else tenantIds; got neither'],
    ['entraId', { audience: api, tenantId: tenant, tenantIds: [tenant] }, 'got both'],
    [
      'entraId',
      { audience: api, tenantId: 'common' },
      "tenantId: must be a GUID, the directory (tenant) id; got 'common'",
    ],
    ['entraId', { audience: api, tenantIds: ['contoso.onmicrosoft.com'] }, 'tenantIds: must be GUIDs'],
    ['entraId', { audience: api, tenantId: tenant, version: 3 }, 'version: must be 1 or 2; got 3'],
    ['entraId', { tenantId: tenant }, 'audience: must be the `aud`'],
    [
      'auth0',
      { domain: 'https://example.eu.auth0.com/', audience: 'a' },
      'domain: must be a domain name, such as',
    ],
    ['auth0', { domain: undefined, audience: 'a' }, 'domain: must be a domain name'],
    [
      'auth0',
      { domain: 'a.example', audience: 'a', profile: 'jwt' },
      "profile: must be 'auth0' or 'rfc9068'; got 'jwt'",
    ],
    ['okta', { domain: 'example.okta.com/oauth2', audience: 'a' }, 'domain: must be'],
    [
      'okta',
      { domain: 'example.okta.com', authorizationServer: 'a/b', audience: 'a' },
      'authorizationServer: must be',
    ],
    [
      'cognito',
      { userPoolId: 'example', clientIds: ['a'] },
      'userPoolId: must be the id of the user pool, such as',
    ],
    [
      'cognito',
      { userPoolId: 'eu-central-1_a', clientIds: [] },
      'clientIds: must be ids of app clients; got []',
    ],
    ['keycloak', { url: 'http://login.example.com', realm: 'a', audience: 'a' }, 'url: must be an https URL'],
    [
      'keycloak',
      { url: 'https://login.example.com', realm: 'a/b', audience: 'a' },
      'realm: must be the name',
    ],
    [
      'keycloak',
      { url: 'https://login.example.com', audience: 'a' },
      'realm: must be given, or else realms; got neither',
    ],
    ['google', { audience: 'a', accounts: ['ann@example.com'], ...allowed }, 'accounts: must be numeric ids'],
    ['google', { audience: 'a', accounts: ['1'] }, 'capabilities: must be capabilities; got nothing'],
    ['zitadel', { domain: 'a.example', projectId: 'exports' }, 'projectId: must be a number'],
    ['oryHydra', { issuer: 'hydra', audience: 'a' }, 'issuer: must be an https URL'],
    ['githubActions', { audience: 'a', ownerIds: ['octo-org'], ...allowed }, 'ownerIds: must be numeric ids'],
    ['firebase', { projectId: 'Example/1' }, 'projectId: must be the id of the project'],
    ['firebase', { project: 'example' }, 'project: is not an option; did you mean projectId?'],
    ['firebase', undefined, 'options: must be { projectId }; got nothing'],
  ])('%s %j: %s', (name, options, message) => {
    const create = (): unknown => presets[name]?.(options as never)
    expect(create).toThrow(TypeError)
    expect(create).toThrow(message)
  })
})

test('each gives options that createJwtVerifier takes, alone and with others beside them', () => {
  for (const { options } of Object.values(shapes))
    expect(createJwtVerifier(options).verify).toBeTypeOf('function')
  expect(createJwtVerifier({ ...cognitoSound, cacheMs: 0 }).verify).toBeTypeOf('function')
})

test('keys of Entra ID version 1 are at the documented address, without metadata', async () => {
  const options = entraId({ tenantId: tenant, audience: 'api://exports', version: 1 })
  const changed = { aud: 'api://exports', iss: `https://sts.windows.net/${tenant}/`, appid: 'client-1' }
  const asked: string[] = []
  const { verify: verifyIt } = createJwtVerifierIn(createTestWorld(startMs), {
    ...options,
    fetch: async (input) => {
      asked.push(input instanceof Request ? input.url : String(input))
      return Response.json({ keys: [signer.jwk] })
    },
  })
  expect(await verdictOf(verifyIt(jws(jwt, { ...entraUser, ...changed }, signer), signal))).toBe(
    entraUser.sub,
  )
  expect(asked).toEqual([`https://login.microsoftonline.com/${tenant}/discovery/keys`])
})
