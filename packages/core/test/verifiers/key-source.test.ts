import { expect, test } from 'vitest'

import { readKeySet } from '../../src/verifiers/key-set.ts'
import { fixedKeySource, type KeySource, remoteKeySource } from '../../src/verifiers/key-source.ts'
import { createForge, rsaSigner } from './forge.ts'
import { createTestWorld, type TestWorld } from './runtime.ts'
import { serve, type TestServer } from './serve.ts'

const forge = createForge()
const { signal } = new AbortController()
const MINUTE = 60_000

const sourceOf = (server: TestServer, runtime: TestWorld): KeySource =>
  remoteKeySource({
    url: server.url.href,
    issuer: forge.issuer,
    fetch: undefined,
    staleKeysMs: 900_000,
    changed: () => undefined,
    report: () => undefined,
    runtime,
  })

test('what keys have proved is good until they are too old', async () => {
  await using server = await serve({ body: forge.jwks })
  const world = createTestWorld(0)
  const source = sourceOf(server, world)
  const keys = await source.keys(signal)
  expect(source.goodUntil(keys)).toBe(10 * MINUTE)
  server.answer({ status: 503 })
  world.pass(11 * MINUTE)
  expect(await source.keys(signal)).toBe(keys)
  expect(source.goodUntil(keys)).toBe(25 * MINUTE)
})

test('what keys have proved is no good once they are replaced, also for a verification under way', async () => {
  await using server = await serve({ body: forge.jwks })
  const world = createTestWorld(0)
  const source = sourceOf(server, world)
  const keys = await source.keys(signal)
  world.pass(30_000)
  server.answer({ body: { keys: [rsaSigner('rsa-2').jwk] } })
  const newer = await source.newer(signal)
  expect(newer?.keys.map(({ kid }) => kid)).toEqual(['rsa-2'])
  expect(source.goodUntil(keys)).toBe(0)
})

test('known keys are given at once, not as a promise', async () => {
  await using server = await serve({ body: forge.jwks })
  const source = sourceOf(server, createTestWorld())
  const keys = await source.keys(signal)
  expect(source.keys(signal)).toBe(keys)
})

test('fixed keys never change', async () => {
  const { keys } = readKeySet(forge.jwks)
  const source = fixedKeySource(keys)
  expect(source.keys(signal)).toBe(keys)
  expect(await source.newer(signal)).toBeUndefined()
  expect(source.goodUntil(keys)).toBe(Number.POSITIVE_INFINITY)
})
