export {
  auth0,
  type Auth0Options,
  keycloak,
  type KeycloakOptions,
  okta,
  type OktaOptions,
  oryHydra,
  type OryHydraOptions,
  zitadel,
  type ZitadelOptions,
} from './verifiers/identity-server-presets.ts'
export {
  cognito,
  type CognitoOptions,
  entraId,
  type EntraIdOptions,
  firebase,
  type FirebaseOptions,
  githubActions,
  type GithubActionsOptions,
  google,
  type GoogleOptions,
} from './verifiers/platform-presets.ts'
