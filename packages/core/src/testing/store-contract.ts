import { randomUUID } from 'node:crypto'

import type { ExportStore } from '../ports.ts'
import { borrowing } from './store-borrowing.ts'
import { changes } from './store-changes.ts'
import { descriptions } from './store-descriptions.ts'
import { ranges } from './store-ranges.ts'
import { releases } from './store-releases.ts'
import type { StoreCase } from './store-scene.ts'

/** One test case of a contract, for any test runner. */
export interface ContractCase {
  /** What the case checks. */
  readonly title: string
  /** Rejects with an `AssertionError` if the contract is broken. */
  readonly run: () => Promise<void>
}

/** A store under test, and functions that write objects into it. */
export interface StoreFixture {
  /** The store under test. */
  readonly store: ExportStore
  /** Creates or overwrites an object. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Deletes an object. Does nothing if it is missing. */
  remove(key: string): Promise<void>
}

/**
 * Returns test cases that every store must pass, for any test runner. They read without resume, because resume would hide faults
 * of a store. Each call of the store may take 4 s.
 *
 * @example
 * storeContract(open).forEach(({ title, run }) => test(title, run))
 *
 * @param open - called once per case. It may return the same fixture each time: every case uses its own keys, with random names,
 *   and deletes their objects at the end
 */
export function storeContract(open: () => Promise<StoreFixture>): ContractCase[] {
  return [...descriptions, ...ranges, ...changes, ...releases, ...borrowing].map(({ title, run }) => ({
    title,
    run: () => onFixture(open, run),
  }))
}

async function onFixture(open: () => Promise<StoreFixture>, run: StoreCase['run']): Promise<void> {
  const fixture = await open()
  const folder = `contract-${randomUUID()}`
  const key = `${folder}/object.bin`
  try {
    await run({
      store: fixture.store,
      folder,
      key,
      put: (bytes) => fixture.put(key, bytes),
      remove: () => fixture.remove(key),
    })
  } finally {
    await fixture.remove(key)
  }
}
