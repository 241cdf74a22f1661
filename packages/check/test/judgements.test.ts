import { describe, expect, test } from 'vitest'

import type { Evidence } from '../src/check.ts'
import { checks } from '../src/checks/checks.ts'
import type { Answer, ProbeName } from '../src/exchange.ts'
import { judge } from '../src/judge.ts'

// What no server of the other tests shows: judged from recorded responses.

const answer = (
  probe: ProbeName,
  fields: Readonly<Record<string, string>> = {},
  more: Partial<Answer> = {},
): Answer => ({
  probe,
  protocol: 'HTTP/1.1',
  status: 200,
  fields: new Map(Object.entries(fields).map(([name, value]) => [name, [value]])),
  body: new Uint8Array(),
  tail: new Uint8Array(),
  bytes: 0,
  end: 'complete',
  firstByteMs: 1,
  ...more,
})

const evidenceOf = (get: Answer, ...others: readonly Answer[]): Evidence => ({
  settings: { url: new URL('https://h/x'), profile: 'sallyport', credentials: 'none' },
  exchanges: [get, ...others],
  limited: [],
  get,
  answer: (name) => [get, ...others].find(({ probe }) => probe === name),
  sample: new Uint8Array(),
  hasRanges: true,
})

const findingOf = (id: string, evidence: Evidence): string => {
  const found = judge(evidence).find(({ check }) => check.id === id)
  return `${found?.finding.verdict}: ${found?.finding.detail}`
}

test('two lengths in one Content-Length', () => {
  const evidence = evidenceOf(answer('get', { 'content-length': '10, 11' }))
  expect(findingOf('framing.length-syntax', evidence)).toBe('fail: Content-Length: 10, 11')
})

test('the servers on the way', () => {
  const evidence = evidenceOf(answer('get', { via: '1.1 varnish', server: 'nginx' }))
  expect(findingOf('proxies.chain', evidence)).toBe('pass: via: 1.1 varnish; server: nginx')
})

describe('a proxy that stores the export before it sends the first byte', () => {
  const after = (get: number, again: number, range: number): string =>
    findingOf(
      'proxies.buffering',
      evidenceOf(
        answer('get', {}, { firstByteMs: get }),
        answer('again', {}, { firstByteMs: again }),
        answer('firstRange', {}, { status: 206, firstByteMs: range }),
      ),
    )

  test('every whole export is late', () => expect(after(6_000, 5_000, 20)).toMatch(/^warn: 5000 ms for/))
  test('one is not', () => expect(after(6_000, 30, 20)).toBe('pass: 30 ms'))
  test('the endpoint is slow for ranges too', () => expect(after(6_000, 5_000, 2_500)).toBe('pass: 5000 ms'))
})

describe('HTTP/1.1 and HTTP/2', () => {
  const compare = (fields: Readonly<Record<string, string>>, more: Partial<Answer> = {}): string => {
    const head = answer('head', { etag: '"a"' })
    return findingOf(
      'protocols.head',
      evidenceOf(answer('get'), head, answer('otherProtocol', fields, { protocol: 'HTTP/2', ...more })),
    )
  }

  test('agree', () => expect(compare({ etag: '"a"' })).toBe('pass: HTTP/1.1 and HTTP/2 agree'))
  test('have other fields', () =>
    expect(compare({ etag: '"b"' })).toBe('fail: etag: "b" over HTTP/2, "a" over HTTP/1.1'))
  test('have another status', () =>
    expect(compare({}, { status: 502 })).toBe('fail: 502 over HTTP/2, 200 over HTTP/1.1'))
  test('a server that has one of them', () =>
    expect(compare({ etag: '"a"' }, { protocol: 'HTTP/1.1' })).toBe('skip: the server has HTTP/1.1 only'))

  test('send other bytes for the same range', () => {
    const [one, other] = [Buffer.from('one'), Buffer.from('two')]
    const range = answer('firstRange', {}, { status: 206, body: one })
    const second = answer('otherProtocolRange', {}, { status: 206, body: other, protocol: 'HTTP/2' })
    expect(findingOf('protocols.range', evidenceOf(answer('get'), range, second))).toBe(
      'fail: the bytes differ',
    )
  })
})

test('ids are unique, and a check comes after those that explain its failure', () => {
  const ids = checks.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const [index, { after = [] }] of checks.entries()) {
    const earlier = new Set(ids.slice(0, index))
    expect(after.filter((id) => !earlier.has(id))).toEqual([])
  }
})
