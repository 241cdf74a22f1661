import { expect, test } from 'vitest'

import { lineChart } from '../src/line-chart.ts'

const chart = lineChart({
  title: 'CPU <µs>',
  across: 'connections',
  series: [
    {
      label: 'sallyport-node',
      points: [
        { x: 1, y: 25 },
        { x: 100, y: 50 },
        { x: 10_000, y: 100 },
      ],
    },
  ],
})

const [, line = ''] = / points="([^"]+)"/.exec(chart) ?? []
const places = [...line.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) }))

test('equal factors are equal steps to the right', () => {
  const [first, second, third] = places
  expect(Number(third?.x) - Number(second?.x)).toBeCloseTo(Number(second?.x) - Number(first?.x))
})

test('heights are in proportion, from zero', () => {
  const zero = Number(/M[\d.]+ ([\d.]+)H/.exec(chart)?.[1])
  const heights = places.map(({ y }) => zero - y)
  expect(heights[2]).toBeCloseTo(2 * Number(heights[1]))
  expect(heights[1]).toBeCloseTo(2 * Number(heights[0]))
})

test('its words are text, and numbers can be read', () => {
  expect(chart).toContain('CPU &lt;µs>')
  expect(chart).toContain('>10,000</text>')
})

test('one point alone is a chart, too', () => {
  const series = [{ label: 'bare', points: [{ x: 5, y: 0 }] }]
  expect(lineChart({ title: 't', across: 'a', series })).not.toContain('NaN')
})

test('lines that end at one place have their names one below the other', () => {
  const points = [{ x: 1, y: 1 }]
  const series = ['bare', 'nginx'].map((label) => ({ label, points }))
  const picture = lineChart({ title: 't', across: 'a', series })
  const [bare, nginx] = ['bare', 'nginx'].map((label) =>
    Number(new RegExp(`y="([\\d.]+)">${label}<`).exec(picture)?.[1]),
  )
  expect(Number(nginx) - Number(bare)).toBeGreaterThanOrEqual(16)
})
