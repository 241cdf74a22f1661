import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  defaultNamePattern,
  nameRequired,
  onlyTenantName,
  parseTenantName,
} from '../../src/steps/parse-tenant-name.ts'
import { acme, ann } from './principals.ts'

const of = { part: 'tenant', in: 'header', name: 'X-Org-Name' } as const
const pattern = defaultNamePattern.source
const parse = (sent: string | undefined, namePattern: RegExp, required: boolean): Parsed =>
  parseTenantName(
    { params: {}, header: (name) => (name === 'x-org-name' ? sent : undefined) },
    { in: 'header', name: 'X-Org-Name', pattern: namePattern },
    required,
  )
type Parsed = ReturnType<typeof parseTenantName>

describe('parseTenantName', () => {
  test.each(['a', 'acme', 'Acme-2', 'a.b_c-d', '0', 'a'.repeat(64)])('%s is a name', (name) => {
    expect(parse(name, defaultNamePattern, true)).toEqual({ value: name })
  })

  test.each(['-acme', 'acme.', 'a b', 'a,b', 'acme, acme', 'a/b', '../a', 'acmé', 'a\0', 'a\n', '*', '{a}'])(
    '%j is none',
    (name) => {
      expect(parse(name, defaultNamePattern, true)).toEqual({
        fault: { ...of, rule: 'pattern', pattern, input: name },
      })
    },
  )

  test('none at all is a fault only where one is needed', () => {
    expect(parse(undefined, defaultNamePattern, false)).toEqual({ value: undefined })
    expect(parse(undefined, defaultNamePattern, true)).toEqual({
      fault: { ...of, rule: 'required', input: null },
    })
  })

  test.each([true, false])('an empty one always is', (required) => {
    expect(parse('', defaultNamePattern, required)).toEqual({
      fault: { ...of, rule: 'not_empty', input: '' },
    })
  })

  test('one that is too long is not tried on the pattern', () => {
    const never = {
      exec: (): never => {
        throw new Error('it was tried')
      },
      source: '',
    } as unknown as RegExp
    expect(parse('a'.repeat(65), never, true)).toMatchObject({
      fault: { rule: 'max_length', most: 64 },
    })
  })

  test("the host's own pattern decides", () => {
    expect(parse('Acme Corp', /^[A-Za-z ]+$/, true)).toEqual({ value: 'Acme Corp' })
  })

  test('the whole name must match, also by a pattern without anchors', () => {
    expect(parse('acme/../x', /[a-z]+/, true)).toMatchObject({ fault: { rule: 'pattern' } })
  })

  test.each<[string, object]>([
    ['acme', { value: 'acme' }],
    [
      'größe',
      { fault: { part: 'tenant', in: 'path', name: 'org', input: 'größe', rule: 'pattern', pattern } },
    ],
  ])('a route parameter in its place: %s', (org, parsed) => {
    const rules = { in: 'path', name: 'org', pattern: defaultNamePattern } as const
    expect(parseTenantName({ params: { org }, header: () => 'globex' }, rules, true)).toEqual(parsed)
  })

  test('a route parameter is decoded once, by the adapter', () => {
    const rules = { in: 'path', name: 'org', pattern: /^.+$/ } as const
    const org = Buffer.from('ü').toString('latin1')
    expect(parseTenantName({ params: { org }, header: () => undefined }, rules, true)).toEqual({ value: org })
  })

  test.each([
    ['UTF-8', Buffer.from('Größe 東京').toString('latin1'), 'Größe 東京'],
    ['ISO-8859-1', 'Größe', 'Größe'],
    ['ISO-8859-1 that is also UTF-8: it is UTF-8', 'Ã¼ber', 'über'],
    ['a byte order mark', '\xef\xbb\xbfacme', undefined],
    ['a sequence longer than needed', '\xc1\xa1cme', undefined],
  ])('%s', (_, field, name) => {
    const parsed = parse(field, /^[\p{L}\p{N} ]+$/u, true)
    expect('value' in parsed ? parsed.value : undefined).toBe(name)
  })

  test('64 characters are tried, not bytes', () => {
    const parsed = (name: string): object => parse(Buffer.from(name).toString('latin1'), /^\p{L}+$/u, true)
    expect(parsed('東'.repeat(64))).toEqual({ value: '東'.repeat(64) })
    expect(parsed('東'.repeat(65))).toMatchObject({
      fault: { rule: 'max_length', input: '東'.repeat(65) },
    })
  })

  test('what passes is as it was sent, and what does not is kept whole', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const parsed = parse(text, defaultNamePattern, true)
        expect('value' in parsed ? parsed.value : parsed.fault.input).toBe(text)
      }),
    )
  })
})

describe('onlyTenantName', () => {
  const of = (...organizations: readonly string[]): typeof ann => ({ ...ann, organizations })

  test.each([
    [of('acme'), 'acme'],
    [of(), undefined],
    [of('acme', 'globex'), undefined],
    [of(''), undefined],
    [of('../acme'), undefined],
    [of('acme\n'), undefined],
    [of('a'.repeat(65)), undefined],
  ])('%j', (principal, name) => {
    expect(onlyTenantName(principal, { pattern: defaultNamePattern })).toBe(name)
  })
})

describe('nameRequired', () => {
  const multi = { mode: 'multi', findTenant: async () => acme } as const
  const of = (...organizations: readonly string[]): typeof ann => ({ ...ann, organizations })

  test.each([
    ['single', { mode: 'single', tenant: acme } as const, of(), false],
    ['multi', multi, of('acme'), true],
    ['optional, of one', { ...multi, headerOptional: true }, of('acme'), false],
    ['optional, of two', { ...multi, headerOptional: true }, of('acme', 'globex'), true],
    ['optional, of none', { ...multi, headerOptional: true }, of(), true],
  ])('%s', (_, tenancy, principal, required) => {
    expect(nameRequired(tenancy, principal)).toBe(required)
  })
})
