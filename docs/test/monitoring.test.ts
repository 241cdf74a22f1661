import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'

import { isHere } from '../../scripts/servers/available.ts'
import { until } from '../../scripts/servers/daemon.ts'
import { type Prometheus, startPrometheus } from '../../scripts/servers/prometheus.ts'
import { root, textOf } from './blocks.ts'
import { type Scene, startScene } from './monitoring-scene.ts'

// docs/monitoring: a real Prometheus scrapes the example and a faulty service, both under load.

const alertsFile = join(root, 'docs/monitoring/alerts.yml')
interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
}
const { groups } = parse(readFileSync(alertsFile, 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}
interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly definition?: string }[] }
}
const dashboard = JSON.parse(textOf('docs/monitoring/dashboard.json')) as Dashboard
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }, nth) => ({ title: `${title}, query ${nth + 1}`, expr })),
)
const variables = dashboard.templating.list.flatMap(({ definition }) => definition ?? [])

const promtool = (args: readonly string[], input?: string): { status: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    encoding: 'utf8',
    ...(input && { input }),
  })
  return { status, output: `${stdout}${stderr}` }
}

describe.skipIf(!isHere('prometheus'))('promtool', () => {
  test('finds the rules in order', () => {
    expect(promtool(['check', 'rules', '--lint=all', '--lint-fatal', alertsFile])).toMatchObject({
      status: 0,
    })
  })

  test('fires each alert in its scene, and in no other', () => {
    const file = join(root, 'docs/monitoring/alerts.test.yml')
    const { status, output } = promtool(['test', 'rules', file])
    expect(output).toContain('SUCCESS')
    expect(status).toBe(0)
    const fired = [
      ...readFileSync(file, 'utf8').matchAll(/alertname: (\w+)\n\s+eval_time: .*\n\s+exp_alerts/g),
    ]
    const names = rules.flatMap(({ alert }) => alert ?? [])
    expect(new Set(fired.map(([, name]) => name))).toEqual(new Set(names))
  })
})

describe.skipIf(!isHere('prometheus'))('a Prometheus that scrapes the services under load', () => {
  let scene: Scene
  let prometheus: Prometheus
  const loading = new AbortController()
  let loads: Promise<unknown>
  beforeAll(async () => {
    scene = await startScene()
    prometheus = await startPrometheus(
      scene.metricsUrls.map((url) => new URL(url).host),
      alertsFile,
    )
    const load = async (): Promise<void> => {
      while (!loading.signal.aborted) await scene.load()
    }
    loads = Promise.all([load(), load()])
    await until('both services are scraped', async () => (await prometheus.up()) === 2)
  })
  afterAll(async () => {
    loading.abort()
    await loads
    await prometheus.close()
    await scene.close()
  })

  test(
    'fires all alerts but that of Redis, which is pending for 5 minutes',
    { timeout: 60_000 },
    async () => {
      const firing = async (): Promise<readonly string[]> => {
        const alerts = await prometheus.alerts()
        return [...new Set(alerts.map(({ labels, state }) => `${labels['alertname']} ${state}`))].toSorted()
      }
      const names = rules.flatMap(({ alert }) => alert ?? [])
      const expected = names.map(
        (name) => `${name} ${name === 'SallyportLimiterWithoutRedis' ? 'pending' : 'firing'}`,
      )
      await expect.poll(firing, { timeout: 40_000, interval: 500 }).toEqual(expected.toSorted())
    },
  )

  test.each(queries)('answers the query of the dashboard: $title', async ({ expr }) => {
    const filled = expr.replaceAll('$__rate_interval', '10s').replaceAll(/\$(?:job|instance)/g, '.+')
    expect(filled).not.toContain('$')
    const numbers = async (): Promise<readonly number[]> =>
      (await prometheus.query(filled)).map(({ value }) => Number(value[1]))
    await expect
      .poll(async () => (await numbers()).filter((number) => Number.isFinite(number)).length, {
        timeout: 20_000,
      })
      .toBeGreaterThan(0)
  })

  test('has each metric that the dashboard and the rules name', async () => {
    const named = [...queries.map(({ expr }) => expr), ...variables, ...rules.map(({ expr }) => expr)]
    const names = new Set(named.flatMap((text) => text.match(/\bsallyport[\w:]+/g) ?? []))
    expect(names.size).toBeGreaterThan(10)
    const known = new Set(await prometheus.names())
    expect([...names].filter((name) => !known.has(name))).toEqual([])
  })

  test('reads metrics that promtool finds in order, and that name no caller, export or place', async () => {
    for (const url of scene.metricsUrls) {
      const text = await (await fetch(url)).text()
      expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' })
      expect(scene.secrets.filter((secret) => text.includes(secret))).toEqual([])
    }
  })
})
