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
  part: 'export_id',
  in: 'path',
  name: 'job_id',
  rule: 'uuid',
  input: 'nope',
}

export const missingOrg: InvalidField = {
  part: 'tenant',
  in: 'header',
  name: 'X-Org-Name',
  rule: 'required',
  input: null,
}

export const unknownVersion: InvalidField = {
  part: 'version',
  in: 'header',
  name: 'X-API-Version',
  rule: 'one_of',
  allowed: ['v1', 'v2'],
  input: 'v9',
}
