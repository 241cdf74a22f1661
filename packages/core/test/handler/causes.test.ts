import { describe, expect, test } from 'vitest'

import { statusOf } from '../../src/refusals.ts'
import type { Ask } from './ask.ts'
import { rows } from './refusal-table.ts'
import { openScene, type SceneOptions } from './scene.ts'

/** What the private cause of each kind says. */
const causes: Readonly<Record<string, RegExp>> = {
  invalid_request: /exportId \(path\) must match the rule 'uuid'; got 'nope'/,
  token_missing: /Authorization/,
  token_invalid: /the verifier port called refuse\('token_invalid'\) without a cause/,
  ticket_invalid: /called refuse\('ticket_invalid'\) without a cause/,
  ticket_expired: /called refuse\('ticket_expired'\) without a cause/,
  method_not_allowed: /the method must be one of GET, HEAD, OPTIONS; got '[A-Z]+'/,
  tenant_forbidden: /the organizations of the token must include '\w+'; got \['\w+'\]/,
  capability_missing: /must include 'exports:download'; got \['exports:download-all', 'exports'\]/,
  scope_missing: /the catalogue port called refuse\('scope_missing'\) without a cause/,
  rate_limited: /quota 'principal' must have 1 tokens; got nothing/,
  too_many_downloads: /slot 'principal-downloads' must have fewer than 16 running downloads/,
  export_not_found: /findExport must find '[0-9a-f-]{36}' of tenant 't-acme'; got nothing/,
  export_pending: /record.state must be 'ready'; got 'pending'/,
  export_failed: /record.state must be 'ready'; got 'failed'/,
  export_expired: /record.expiresAt must be after now, \d+ ms; got 1/,
  object_missing: /the store must have the object 'acme\/gone'; got nothing/,
  precondition_failed: /the preconditions must hold for the ETag "[\w-]{27}"/,
  range_not_satisfiable: /Range must overlap the \d+ bytes of the object; got 'bytes=/,
  internal: /bug/,
  upstream_error: /./,
  unavailable: /./,
  object_changed: /./,
}

async function causeOf(request: Partial<Ask>, changes?: SceneOptions): Promise<unknown> {
  await using scene = await openScene(changes)
  await scene.ask(request)
  await scene.over(1)
  const event = scene.events.find(({ type }) => type === 'request_ended')
  expect(Object.keys(event ?? {})).not.toContain('cause')
  return event && 'cause' in event ? event.cause : undefined
}

describe('the event of a refusal has a private cause, with what was wanted and what was got', () => {
  test.each(rows)('$kind', async ({ kind, request, changes }) => {
    expect(String(await causeOf(request, changes))).toMatch(causes[kind] ?? /^$/)
  })

  test('every kind is here', () => {
    expect(Object.keys(causes).toSorted()).toEqual(Object.keys(statusOf).toSorted())
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(Object.keys(statusOf)))
  })
})

test.each([
  ['without a scheme', 's3cr3t-t0ken'],
  ['of another scheme', 'Basic s3cr3t-t0ken'],
  ['malformed', 'Bearer s3cr3t-t0ken s3cr3t-t0ken'],
  ['sent twice', 'Bearer s3cr3t-t0ken, Bearer s3cr3t-t0ken'],
  ['of nobody', 'Bearer s3cr3t-t0ken'],
])('a token %s is not in the cause', async (_, authorization) => {
  const cause = await causeOf({ headers: { authorization } })
  expect(cause).toBeInstanceOf(Error)
  expect(String(cause)).not.toContain('s3cr3t')
})

test('a refusal and its cause have no stack trace', async () => {
  const cause = await causeOf({ headers: { 'x-org-name': 'globex' } })
  expect(cause).toBeInstanceOf(Error)
  expect(cause instanceof Error && cause.stack).not.toMatch(/\n\s+at /)
})
