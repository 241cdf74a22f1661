import { createRequire } from 'node:module'

import express from 'express'

const require = createRequire(import.meta.url)

/** The Express of each major that the adapter serves; the types are those of the newest. */
export const expresses: readonly { readonly major: number; readonly express: typeof express }[] = [
  { major: 5, express },
  { major: 4, express: require('express4') as typeof express },
]
