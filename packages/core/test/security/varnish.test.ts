import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { isHere } from '../../../../scripts/servers/available.ts'
import { type Proxy, startProxy } from '../../../../scripts/servers/proxies.ts'
import type { DeliveryOptions } from '../../src/options/options.ts'
import type { ExportStore } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { openGuard } from '../exact-bytes/guard.ts'
import { serve, type TestServer } from '../exact-bytes/server.ts'

// Varnish 7.1 answers 503 to a list of ranges, whatever our answer is, and uses the connection to us again. What comes late
// over it, it takes for the answer to another request.

/** All else as built in. */
const vcl = 'vcl 4.1; backend service { .host = "127.0.0.1"; .port = "3000"; }'

const victim = '0f0e0d0c-0b0a-4908-8706-050403020100'
const attacker = '1f0e0d0c-0b0a-4908-8706-050403020100'
const right = 'the right bytes'
/** A cell that reads like an answer. */
const cell = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned'
const before = 5_000
const content = `${'x'.repeat(before)}${cell}${'y'.repeat(100_000)}${cell}`
const second = before + cell.length + 100_000
const ranges = (...firsts: readonly number[]): string =>
  `bytes=${firsts.map((first) => `${first}-${first + cell.length - 1}`).join(', ')}`

/** A store whose second read of a request comes late: after Varnish has given up on the answer. */
function lateStore(): ExportStore {
  const memory = createMemoryStore({ [victim]: right, [attacker]: content })
  return {
    head: (key, signal) => memory.head(key, signal),
    get: async (key, options, signal) => {
      if (options.range?.first === second) await new Promise((resolve) => setTimeout(resolve, 60))
      return memory.get(key, options, signal)
    },
  }
}

describe.skipIf(!isHere('varnish')).each<[string, DeliveryOptions]>([
  ['with delivery.multipleRanges', { multipleRanges: true }],
  ['without it', {}],
])('behind Varnish, %s', (_, delivery) => {
  let server: TestServer
  let varnish: Proxy
  beforeAll(async () => {
    const findExport = async ({ exportId: id }: { readonly exportId: string }) =>
      ({ id, tenantId: 't-1', key: id, format: 'csv', state: 'ready' }) as const
    server = await serve(openGuard(lateStore(), { delivery, findExport }).handler)
    varnish = await startProxy('varnish', vcl, server.port)
  })
  afterAll(async () => {
    await varnish.close()
    await server.close()
  })

  const ask = async (id: string, range?: string): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${varnish.port}/exports/${id}/download`, {
      headers: { authorization: 'Bearer token', ...(range !== undefined && { range }) },
    })
    return [answer.status, await answer.text()]
  }

  test.each([
    ['two parts', ranges(before, second)],
    ['a list that is one part', ranges(before, before + cell.length)],
    ['a list beyond the end', ranges(900_000, 900_100)],
    ['ranges over each other', ranges(before, before + 1, before + 2, before + 3)],
  ])('no caller gets the response of another one: %s', async (_, range) => {
    const answers: string[] = []
    for (let round = 0; round < 15; round++) {
      await ask(attacker, range)
      // One after the other: Varnish sends it over the connection that it used last.
      for (let n = 0; n < 2; n++) answers.push((await ask(victim)).join(' '))
    }
    expect([...new Set(answers)]).toEqual([`200 ${right}`])
  })
})
