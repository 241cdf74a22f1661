export {
  firebase,
  type FirebaseOptions,
  githubActions,
  type GithubActionsOptions,
  google,
  type GoogleOptions,
} from './verifiers/identity-presets.ts'
export {
  auth0,
  type Auth0Options,
  cognito,
  type CognitoOptions,
  entraId,
  type EntraIdOptions,
  keycloak,
  type KeycloakOptions,
  okta,
  type OktaOptions,
  oryHydra,
  type OryHydraOptions,
  zitadel,
  type ZitadelOptions,
} from './verifiers/issuer-presets.ts'
