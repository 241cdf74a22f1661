import { expect, test } from 'vitest'

import { prefersHtml } from '../../../src/http/negotiation.ts'

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['', false],
  ['*/*', false],
  ['text/*', false],
  ['text/html', true],
  ['TEXT/HTML', true],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8', true],
  ['application/xhtml+xml', true],
  ['application/json', false],
  ['application/json, text/html;q=0.9', false],
  ['application/problem+json, text/html;q=0.9', false],
  ['application/json;q=0.5, text/html', true],
  ['application/json, text/html', true],
  ['text/html;q=0', false],
  ['text/html;q=0.000', false],
  ['text/html;q=0.001', true],
  ['text/html;q=2', false],
  ['text/html; charset=utf-8; q=0.7', true],
  ['text/htmlx', false],
  [`text/html, ${'x/y, '.repeat(300)}`, false],
])('%s: %s', (accept, expected) => {
  expect(prefersHtml(accept)).toBe(expected)
})
