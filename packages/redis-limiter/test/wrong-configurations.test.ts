import { expect, test } from 'vitest'

import { createRedisLimiter } from '../src/redis-limiter.ts'

// What hosts get wrong, and the whole text that they read.

const send = async (): Promise<undefined> => undefined
const lease = 'the life of a lease in milliseconds (1 s is 1000): a whole number from 600 to 86400000'
const wait =
  'how long one admission waits for Redis in milliseconds (1 s is 1000): a whole number from 10 to 60000'

test.each<[title: string, options: unknown, line: string]>([
  [
    'nothing',
    undefined,
    'options: must be { send, prefix?, timeoutMs?, leaseMs?, onOutage?, processes? }; got nothing',
  ],
  [
    'the client for its method',
    { client: {} },
    'send: must be a function (command, key) => Promise<reply>; got nothing\ncreateRedisLimiter: client: is not an option; must be one of send,',
  ],
  [
    'the client itself',
    { send: { sendCommand: send } },
    'send: must be a function (command, key) => Promise<reply>; got an object',
  ],
  ['a misspelt option', { send, onoutage: 'closed' }, 'onoutage: is not an option; did you mean onOutage?'],
  ['another value', { send, onOutage: 'open' }, "onOutage: must be 'local' or 'closed'; got 'open'"],
  ['a lease in seconds', { send, leaseMs: 30 }, `leaseMs: must be ${lease}; got 30`],
  ['a wait in seconds', { send, timeoutMs: 0.05 }, `timeoutMs: must be ${wait}; got 0.05`],
  [
    'a lease that one wait outlasts',
    { send, leaseMs: 1_000, timeoutMs: 500 },
    'options: must be options whose leaseMs is at least six times timeoutMs; got leaseMs 1000 and timeoutMs 500',
  ],
  ['a hash tag', { send, prefix: '{exports}' }, "prefix: must be text without braces; got '{exports}'"],
  [
    'text for a number',
    { send, processes: '4' },
    'processes: must be processes: a whole number from 1 to 1000000; got a string',
  ],
])('%s', (_, options, line) => {
  const call = (): unknown => createRedisLimiter(options as never)
  expect(call).toThrow(TypeError)
  expect(call).toThrow(`createRedisLimiter: ${line}`)
  expect(call).toThrow(
    '\n  see https://github.com/sallyport/sallyport/blob/main/docs/options.md#createredislimiter',
  )
})
