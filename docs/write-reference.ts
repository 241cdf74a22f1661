import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { referenceText } from './reference.ts'

// Writes docs/reference.md: `pnpm docs:reference`.

const root = join(import.meta.dirname, '..')
writeFileSync(join(root, 'docs/reference.md'), referenceText(root))
