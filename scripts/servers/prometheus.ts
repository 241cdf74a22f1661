import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { freePort, startDaemon, until } from './daemon.ts'

/** A Prometheus that scrapes every half second. */
export interface Prometheus {
  /** The result of an instant query: the labels and the value of each series. */
  query(expression: string): Promise<readonly Sample[]>
  /** The names of all metrics that it has. */
  names(): Promise<readonly string[]>
  /** The alerts that are pending or firing. */
  alerts(): Promise<readonly Alert[]>
  /** How many targets it has scraped without an error. */
  up(): Promise<number>
  close(): Promise<void>
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  /** The time in seconds, and the number as text. */
  readonly value: readonly [number, string]
}

interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

/**
 * Starts Prometheus on 127.0.0.1, with its data in a temporary directory.
 *
 * @param targets - `host:port` of each `/metrics`
 * @param rules - the path of a file of rules, which are evaluated every half second
 */
export async function startPrometheus(targets: readonly string[], rules: string): Promise<Prometheus> {
  const port = await freePort()
  const directory = await mkdtemp(path.join(tmpdir(), 'prometheus-'))
  const file = path.join(directory, 'prometheus.json') // JSON is YAML
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'exports', static_configs: [{ targets }] }],
  }
  await writeFile(file, JSON.stringify(config))
  const url = `http://127.0.0.1:${port}`
  const daemon = startDaemon('prometheus', [
    `--config.file=${file}`,
    `--storage.tsdb.path=${path.join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  const close = async (): Promise<void> => {
    await daemon.end()
    await rm(directory, { recursive: true, force: true })
  }
  const ask = async <T>(what: string): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${what}`)
    const { status, data, error } = (await response.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(`${what}: ${error}`)
    return data
  }
  const query = async (expression: string): Promise<readonly Sample[]> =>
    (await ask<{ result: readonly Sample[] }>(`query?query=${encodeURIComponent(expression)}`)).result
  try {
    await until('Prometheus is ready', () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
  } catch (error) {
    await close()
    throw new Error(daemon.output(), { cause: error })
  }
  return {
    query,
    names: () => ask('label/__name__/values'),
    alerts: async () => (await ask<{ alerts: readonly Alert[] }>('alerts')).alerts,
    up: async () => Number((await query('sum(up)'))[0]?.value[1] ?? 0),
    close,
  }
}
