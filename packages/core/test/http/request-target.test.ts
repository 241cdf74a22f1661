import { describe, expect, test } from 'vitest'

import { queryValues, siblingPath } from '../../src/http/request-target.ts'

describe('queryValues', () => {
  test.each<[string, readonly string[]]>([
    ['/download', []],
    ['/download?', []],
    ['/download?sig', ['']],
    ['/download?sig=', ['']],
    ['/download?sig=a.b', ['a.b']],
    ['/download?sig=a%2Eb', ['a.b']],
    ['/download?sig=a+b', ['a b']],
    ['/download?sig=%zz', ['%zz']],
    ['/download?utm_source=mail&sig=a&x=1', ['a']],
    ['/download?sig=a&sig=b', ['a', 'b']],
    ['/download?SIG=a&sig[]=b&sig%5B%5D=c&xsig=d', []],
    ['/download?%73ig=a', ['a']],
    ['/download?sig=a?sig=b', ['a?sig=b']],
    ['/download#?sig=a', []],
    ['/download?sig=a#b', ['a']],
    ['https://host.example/download?sig=a', ['a']],
    ['', []],
  ])('%s: %o', (target, values) => {
    expect(queryValues(target, 'sig')).toEqual(values)
  })
})

describe('siblingPath', () => {
  test.each([
    ['/exports/7/ticket', '/exports/7/download'],
    ['/exports/7/ticket?x=/y', '/exports/7/download'],
    ['/exports/7/ticket/', '/exports/7/download'],
    ['/ticket', '/download'],
    ['/', '/download'],
    ['', '/download'],
    ['*', '/download'],
    ['http://host.example:8080/exports/7/ticket', '/exports/7/download'],
    ['http://host.example', '/download'],
    ['//evil.example/exports/ticket', '/evil.example/exports/download'],
    ['///evil.example/ticket', '/evil.example/download'],
    ['/\\evil.example/ticket', '/evil.example/download'],
    ['\\\\evil.example/ticket', '/evil.example/download'],
    ['/.//evil.example/ticket', '/evil.example/download'],
    ['/a/../..//evil.example/ticket', '/evil.example/download'],
    ['/\t/evil.example/ticket', '/evil.example/download'],
    ['javascript:alert(1)/ticket', '/javascript:alert(1)/download'],
    ['/exports/%zz/ticket', '/exports/%zz/download'],
    ['/exports/ä b/ticket', '/exports/%C3%A4%20b/download'],
  ])('%s: %s', (target, path) => {
    expect(siblingPath(target, 'download')).toBe(path)
  })
})
