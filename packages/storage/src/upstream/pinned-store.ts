import type { ExportStore, GetOptions, OpenObject } from '@sallyport/core'

import { refuseFault } from './fault.ts'
import { parseValidator, type Pin } from './validator.ts'

/** Opens an object, pinned or not. */
export type OpenPinned = (
  key: string,
  options: GetOptions,
  pin: Pin | undefined,
  signal: AbortSignal,
) => Promise<OpenObject | undefined>

/** A store of what can be described and opened. A pin that is none of ours is another object's, if the object is there at all. */
export const pinnedStore = (head: ExportStore['head'], open: OpenPinned): ExportStore => ({
  head,
  get: async (key, options, signal) => {
    const { ifMatch } = options
    const pin = ifMatch === undefined ? undefined : parseValidator(ifMatch)
    if (ifMatch === undefined || pin) return open(key, options, pin, signal)
    return (await head(key, signal)) && refuseFault('object_changed', { word: 'foreign_validator' })
  },
})
