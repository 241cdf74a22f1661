import type { Refusal, InvalidField, RefusalKind } from '../../src/refusals.ts'
import { statusOf } from '../../src/refusals.ts'

/** A refusal as the core hands it to an error format. */
export const refusalOf = (kind: RefusalKind, more: Partial<Refusal> = {}): Refusal => ({
  kind,
  status: statusOf[kind],
  requestId: 'request-1',
  ...more,
})

export const kinds = new Map(
  Object.entries(statusOf).map(([kind, status]) => [kind as RefusalKind, status] as const),
)

/** All of them say 404, and to a stranger all the same. */
export const notFoundKinds = [
  'export_not_found',
  'export_pending',
  'export_failed',
  'export_expired',
  'object_missing',
] as const

export const badId: InvalidField = {
  loc: ['path', 'job_id'],
  type: 'uuid_parsing',
  msg: 'Input should be a valid UUID, invalid character: found `n` at 1',
  input: 'nope',
  ctx: { error: 'invalid character: found `n` at 1' },
}

export const missingOrg: InvalidField = {
  loc: ['header', 'X-Org-Name'],
  type: 'missing',
  msg: 'Field required',
  input: null,
}

export const unknownVersion: InvalidField = {
  loc: ['header', 'X-API-Version'],
  type: 'enum',
  msg: "Input should be 'v1' or 'v2'",
  input: 'v9',
  ctx: { expected: "'v1' or 'v2'" },
}
