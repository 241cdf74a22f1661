import { checksTable, write } from './docs-tables.ts'

// Writes the generated tables of docs/check.md.

write('checks', checksTable())
