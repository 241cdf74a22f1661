import { randomUUID } from 'node:crypto'

import type { ExportStore } from '../ports.ts'
import { changes } from './store-changes.ts'
import { descriptions } from './store-descriptions.ts'
import { lending } from './store-lending.ts'
import { ranges } from './store-ranges.ts'
import { releases } from './store-releases.ts'
import type { StoreCase } from './store-scene.ts'

/** One case of a contract, for any test runner. */
export interface ContractCase {
  readonly title: string
  /** Rejects with an `AssertionError` where the contract is broken. */
  readonly run: () => Promise<void>
}

/** A store under test, and the way to lay objects into it. */
export interface Shelf {
  readonly store: ExportStore
  /** Makes or overwrites an object. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Takes an object away. */
  remove(key: string): Promise<void>
}

/**
 * What every store must do, as cases for any test runner. They read without resume, which would hide a store's faults, and
 * give a single answer 4 s.
 *
 * @example
 * storeContract(open).forEach(({ title, run }) => test(title, run))
 *
 * @param open - asked once per case. May give the same shelf each time: every case keeps to keys of its own, with random
 *   names, and takes them away at the end
 */
export function storeContract(open: () => Promise<Shelf>): ContractCase[] {
  return [...descriptions, ...ranges, ...changes, ...releases, ...lending].map(({ title, run }) => ({
    title,
    run: () => onShelf(open, run),
  }))
}

async function onShelf(open: () => Promise<Shelf>, run: StoreCase['run']): Promise<void> {
  const shelf = await open()
  const folder = `contract-${randomUUID()}`
  const key = `${folder}/object.bin`
  try {
    await run({
      store: shelf.store,
      folder,
      key,
      put: (bytes) => shelf.put(key, bytes),
      remove: () => shelf.remove(key),
    })
  } finally {
    await shelf.remove(key)
  }
}
