import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import type { ExportRecord } from '../../src/catalogue.ts'
import type { ExportStore, ObjectInfo, OpenObject } from '../../src/ports.ts'
import { refuse } from '../../src/refusals.ts'
import { createChaosStore } from '../../src/testing/chaos-store.ts'
import type { Fault } from '../../src/testing/fault.ts'
import { createLeakScanner } from '../../src/testing/leak-scanner.ts'
import { createMemoryStore } from '../../src/testing/memory-store.ts'
import { positionCoded } from '../../src/testing/position-coded.ts'
import type { Ended } from '../handler/scene.ts'
import { openGuard, path, until } from './guard.ts'
import { overhear } from './overheard.ts'
import { readToEnd } from './raw.ts'
import { wire } from './wires.ts'

const scanner = createLeakScanner()
const key = 'acme-canary-folder/object-canary.jsonl'
const size = 400_000
const large = positionCoded(size)
const small = large.subarray(0, 1_000)
const delivery = { storeSilenceMs: 100, firstByteMs: 400, resume: { attempts: 1, withinMs: 2_000 } }

/** A store that goes wrong, and how often it has. */
interface Wrong {
  readonly store: ExportStore
  readonly fired: () => number
  readonly record?: Partial<ExportRecord>
}

/** Something that is thrown at a call of the store; planted with every secret before it reaches the guard. */
const throws: [string, () => never][] = [
  [
    'a foreign error',
    () => {
      throw new Error('down')
    },
  ],
  ['a refusal with a cause', () => refuse('unavailable', { cause: new Error('down') })],
  ['a refusal that another answer was wrong', () => refuse('upstream_error', { cause: new Error('down') })],
]

const holding = (bytes: Uint8Array = large): ExportStore => createMemoryStore({ [key]: bytes })

/** Goes wrong at the nth call of one kind, and ever after. */
function atCall(kind: 'head' | 'get', nth: number, wrong: () => never, inner = holding()): Wrong {
  let calls = 0
  let fired = 0
  const count = (): void => {
    calls += 1
    if (calls < nth) return
    fired += 1
    wrong()
  }
  const store: ExportStore = {
    head: async (...args) => {
      if (kind === 'head') count()
      return inner.head(...args)
    },
    get: async (...args) => {
      if (kind === 'get') count()
      return inner.get(...args)
    },
  }
  return { store: scanner.plant(store), fired: () => fired }
}

const chaos = (faults: readonly Fault[], bytes: Uint8Array = large): Wrong => {
  const store = createChaosStore(holding(bytes), { faults })
  return { store: scanner.plant(store), fired: () => store.fired.length }
}

/** Says other things of its object than are so. Planted within, so that what is said is said last. */
function saying(
  info: (info: ObjectInfo) => unknown,
  open: (object: OpenObject) => unknown = (object) => object,
): Wrong {
  const inner = scanner.plant(holding())
  let fired = 0
  const say = (said: ObjectInfo): ObjectInfo => {
    fired += 1
    return info(said) as ObjectInfo
  }
  return {
    fired: () => fired,
    store: {
      head: async (...args) => {
        const said = await inner.head(...args)
        return said && say(said)
      },
      get: async (...args) => {
        const object = await inner.get(...args)
        return object && (open({ ...object, info: say(object.info) }) as OpenObject)
      },
    },
  }
}

const everywhere = { range: 'bytes=0-' }
const second = [{ does: 'cut', atByte: 150_000 }] as const

type Case = [
  title: string,
  wrong: () => Wrong,
  fields: Record<string, string>,
  status: number,
  method?: string,
]

const cases: Case[] = [
  ...throws.flatMap(([what, wrong]): Case[] => {
    const status = what.endsWith('wrong') ? 502 : 503
    const reopened = (): Wrong => atCall('get', 2, wrong, createChaosStore(holding(), { faults: second }))
    return [
      [`head throws ${what}`, () => atCall('head', 1, wrong), everywhere, status],
      [`head of HEAD throws ${what}`, () => atCall('head', 1, wrong), {}, status, 'HEAD'],
      [`get throws ${what}`, () => atCall('get', 1, wrong), {}, status],
      [`get of a range throws ${what}`, () => atCall('get', 1, wrong), everywhere, status],
      [`the re-open throws ${what}`, reopened, {}, 200],
      [
        `get of the second part throws ${what}`,
        () => atCall('get', 2, wrong),
        { range: 'bytes=0-9,900-909' },
        206,
      ],
    ]
  }),
  ...(['cut', 'throw', 'stall', 'short', 'overrun', 'change'] as const).flatMap((does) => faultCases(does)),
  ['an object that is gone', () => chaosless({}), {}, 404],
  ['an object that is gone, ranged', () => chaosless({}), everywhere, 404],
  ['no description', () => saying(() => null), {}, 502],
  ['a size that is none', () => saying((info) => ({ ...info, size: Number.NaN })), {}, 502],
  ['a size that is a text', () => saying((info) => ({ ...info, size: info.validator })), everywhere, 502],
  ['no validator', () => saying((info) => ({ ...info, validator: '' })), {}, 502],
  ['a validator that is none', () => saying((info) => ({ ...info, validator: { ...info } })), {}, 502],
  ['a date that is none', () => saying((info) => ({ ...info, lastModified: new Date(Number.NaN) })), {}, 502],
  ['a hash that is none', () => saying((info) => ({ ...info, sha256: info.validator })), {}, 502],
  ['a coding that is none', () => saying((info) => ({ ...info, encoding: info.validator })), {}, 502],
  ['a size that is too large', () => saying((info) => ({ ...info, size: size + 1 })), {}, 200],
  ['a size that is too small', () => saying((info) => ({ ...info, size: size - 1 })), {}, 200],
  [
    'a record that differs from the object',
    () => ({ ...saying((info) => info), record: { object: { size: 1 } } }),
    {},
    502,
  ],
  [
    'no chunks',
    () =>
      saying(
        (info) => info,
        (object) => ({ ...object, chunks: undefined }),
      ),
    {},
    502,
  ],
  [
    'chunks that are strings',
    () =>
      saying(
        (info) => info,
        (object) => ({ ...object, chunks: texts(object.info.validator) }),
      ),
    {},
    502,
  ],
  [
    'a close that throws',
    () =>
      saying(
        (info) => info,
        (object) => ({ ...object, close: () => fail(object.info.validator) }),
      ),
    {},
    200,
  ],
]

/** A fault of the chunks that stays, wherever it can be. */
function faultCases(does: Fault['does']): Case[] {
  const times = 9
  const refused = does === 'overrun' ? 502 : 503
  const one = (bytes: Uint8Array, atByte: number) => (): Wrong => chaos([{ does, atByte, times }], bytes)
  const rows: Case[] = [
    [`a small body, ${does} at its start`, one(small, 0), {}, refused],
    // What came before it is in hand by then.
    [
      `a small body, ${does} inside`,
      one(small, 500),
      {},
      ['overrun', 'change'].includes(does) ? refused : 200,
    ],
    [`a body, ${does} inside`, one(large, 150_000), {}, 200],
    // Surplus is known at the end, and nothing is too short there.
    [`a body, ${does} at its start`, one(large, 0), {}, does === 'overrun' ? 200 : refused],
    [`a body, ${does} at its end`, one(large, size), {}, 200],
  ]
  return does === 'short' ? rows.slice(0, -1) : rows
}

const chaosless = (objects: Record<string, Uint8Array>): Wrong => {
  const inner = scanner.plant(createMemoryStore(objects))
  let fired = 0
  return {
    fired: () => fired,
    store: {
      head: (...args) => ((fired += 1), inner.head(...args)),
      get: (...args) => ((fired += 1), inner.get(...args)),
    },
  }
}
async function* texts(text: string): AsyncGenerator {
  yield text
}
const fail = (text: string): never => {
  throw new Error(text)
}

describe('nothing of the inside reaches the client', () => {
  test.each(cases)('%s', async (_, open, fields, status, method = 'GET') => {
    const wrong = open()
    const guard = openGuard(wrong.store, {
      delivery: { ...delivery, multipleRanges: true },
      record: { key, ...wrong.record },
    })
    const overheard = overhear()
    const server = await wire('http/1.1', guard.handler)
    try {
      const socket = server.connect()
      const headers = { authorization: 'Bearer token', connection: 'close', ...fields }
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.write(`${method} ${path} HTTP/1.1\r\nhost: test\r\n${lines.join('')}\r\n`)
      const { text } = await readToEnd(socket)
      await until(() => guard.ended().length === 1)
      // Late rejections come by the end of this turn.
      await new Promise((resolve) => setImmediate(resolve))
      expect({ answered: text.subarray(0, 12).toString(), fired: wrong.fired() > 0 }).toEqual({
        answered: `HTTP/1.1 ${status}`,
        fired: true,
      })
      expect(scanner.find(text)).toEqual([])
      expect(scanner.find(overheard.said())).toEqual([])
    } finally {
      overheard.stop()
      await server.close()
    }
    // An event's cause is the one place for it. It does not show unasked: not when printed, spread, or made JSON.
    for (const event of guard.events) {
      const names = Object.getOwnPropertyNames(event).filter((name) => !Object.keys(event).includes(name))
      expect([[], ['cause']]).toContainEqual(names)
      const shown = [inspect(event, { depth: null }), JSON.stringify(event), { ...event }]
      expect(scanner.find(shown)).toEqual([])
    }
    // So the truth can be told from what the host is given.
    expect(guard.events.length).toBeGreaterThan(0)
  })

  test('the scanner finds a planted leak', async () => {
    const planted = atCall('get', 1, () => fail('down'))
    const guard = openGuard(planted.store, { record: { key } })
    const overheard = overhear()
    const server = await wire('http/1.1', guard.handler)
    await server.download()
    const [ended] = guard.ended() as [Ended]
    const cause = ended.cause as Error
    process.stderr.write(`${inspect(cause)}\n`)
    process.emitWarning(cause.message)
    await new Promise((resolve) => setImmediate(resolve))
    overheard.stop()
    await server.close()
    const said = overheard.said()
    const of = (source: string): string[] => said.filter((line) => line.startsWith(source))
    expect(said.some((line) => line.startsWith('http.server.response.finish'))).toBe(true)
    expect(scanner.find(of('stderr'))).toContain('bucket')
    expect(scanner.find(of('warning'))).toContain('signature')
    expect(scanner.find(inspect(ended, { showHidden: true, depth: null }))).toContain('bucket')
    expect(scanner.find(`{"key":"${encodeURIComponent(key)}"}`)).toEqual(['key'])
  })
})
