export { refuse } from './refusals.ts'
export type { InvalidField, RefusalKind } from './refusals.ts'
export type * from './ports.ts'
