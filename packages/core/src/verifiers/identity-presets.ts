import * as check from '../check-options.ts'
import { isJsonObject } from './fetch-json.ts'
import type { JwtVerifierOptions } from './jwt-options.ts'
import { audience, digits, text } from './option-checks.ts'
import { namesOf, organizationsIn, refuseUnless, wordsOf } from './principal.ts'

// Options of createJwtVerifier for issuers whose ID tokens are sent as access tokens, by their documentation. Where anybody can
// get a token for any audience, a list says who may call.

const capabilityList = check.listOf('capabilities', check.text('a capability'))

/** Options of {@link google}. */
export interface GoogleOptions {
  /** What the caller asks the ID token for: the address of your service, or a client id. */
  readonly audience: string | readonly string[]
  /** The numeric ids (`sub`) of the accounts that may call. Anybody can get a token for your audience. */
  readonly accounts: readonly string[]
  /** The capabilities of each of them. */
  readonly capabilities: readonly string[]
}

/**
 * ID tokens that Google signs for service accounts: its access tokens are opaque, and Google introspects none. Organizations:
 * `hd`, which service accounts do not have. ID tokens of a login (`nonce`, `at_hash`) are refused.
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
  /** What the workflow asks the token for. */
  readonly audience: string | readonly string[]
  /**
   * The numeric ids (`repository_owner_id`) of the organizations and users whose repositories may call. Anybody can get a
   * token for your audience, and a name can get another owner.
   */
  readonly ownerIds: readonly string[]
  /** The capabilities of each of them. */
  readonly capabilities: readonly string[]
}

/**
 * Tokens of GitHub Actions workflows. Organizations: `repository_owner`. The subject names repository and branch, or
 * environment.
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
  /** The id of the project: issuer and audience of its tokens. */
  readonly projectId: string
}

/**
 * ID tokens of Firebase Authentication, which its clients send as access tokens. Organizations: the tenant of Identity Platform,
 * or else the custom claim `org`. Capabilities: the custom claim `scope`. Only your server can set custom claims.
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
