import { describe, expect, test } from 'vitest'

import { refusalPage } from '../../src/error-formats/refusal-page.ts'
import type { RefusalKind } from '../../src/refusals.ts'
import { badId, kinds, notFoundKinds, refusalOf } from './refusals.ts'

const titleOf = (kind: RefusalKind): string | undefined =>
  /<h1>(.*)<\/h1>/.exec(refusalPage(refusalOf(kind)))?.[1]

describe('the page of a refusal', () => {
  test.each([...kinds.keys()])('%s: whole, without script and without anything to load', (kind) => {
    const page = refusalPage(refusalOf(kind, { fields: [badId] }))
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(page).toMatch(/<title>[^<]+<\/title>/)
    expect(page).toContain('<code>request-1</code>')
    expect(page).not.toMatch(/<script|<img|<link|<form|<a |url\(|@import|https?:|src=|href=| on\w+=/i)
    expect(page).not.toContain('nope') // what was sent
    expect(page.split('\n').length).toBeLessThan(20)
  })

  test('an expired link and a wrong one tell apart', () => {
    expect([titleOf('ticket_expired'), titleOf('ticket_invalid')]).toEqual([
      'This link has expired',
      'This link is not valid',
    ])
  })

  test('the kinds of 404 read alike', () => {
    expect(new Set(notFoundKinds.map((kind) => refusalPage(refusalOf(kind)))).size).toBe(1)
  })

  test.each([
    [400, 'Try again in 1 second.'],
    [5_000, 'Try again in 5 seconds.'],
    [119_000, 'Try again in 119 seconds.'],
    [121_000, 'Try again in 3 minutes.'],
  ])('%d ms to wait', (retryAfterMs, advice) => {
    expect(refusalPage(refusalOf('rate_limited', { retryAfterMs }))).toContain(advice)
  })

  test('a request id cannot break out', () => {
    const page = refusalPage(refusalOf('internal', { requestId: `<script>"&'` }))
    expect(page).toContain('<code>&#60;script&#62;&#34;&#38;&#39;</code>')
  })
})
