import { checksTable, write } from './docs-tables.ts'
import { judgePeers, peersTable } from './peers/peers-table.ts'

// Writes the generated tables of docs/check.md. Needs nginx and Ceph.

write('checks', checksTable())
write('peers', peersTable(await judgePeers()))
