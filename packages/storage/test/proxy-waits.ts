import { expect } from 'vitest'

import type { FaultProxy } from '../../../scripts/servers/fault-proxy.ts'

const patient = { timeout: 15_000, interval: 10 }

/** Until so many bytes went towards the client. */
export const sizeReached = (proxy: FaultProxy, size: number): Promise<void> =>
  expect.poll(() => proxy.down(), patient).toBeGreaterThanOrEqual(size)

/** Until so many requests came. */
export const requestsReached = (proxy: FaultProxy, count: number): Promise<void> =>
  expect.poll(() => proxy.requests.length, patient).toBeGreaterThanOrEqual(count)

/** Until no connection is open. */
export const nobodyOpen = (proxy: FaultProxy): Promise<void> =>
  expect.poll(() => proxy.openNow(), patient).toBe(0)
