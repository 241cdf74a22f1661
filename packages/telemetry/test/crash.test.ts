import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { expect, test } from 'vitest'

test('a process that is killed while it sends a download has exported the span of its head', () => {
  const service = fileURLToPath(new URL('crashing-service.ts', import.meta.url))
  const options = ['--conditions=@sallyport/source', '--no-warnings']
  const { signal, stdout, stderr } = spawnSync(process.execPath, [...options, service], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(signal).toBe('SIGKILL')
  expect(stdout.trim().split('\n')).toEqual([
    'verify',
    'find_tenant',
    'admit',
    'find_export',
    'store.get',
    'audit',
    'sallyport.download.head',
  ])
})
