import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** Writes a new file, block by block. Gives its SHA-256 in hex digits. */
export async function writeBlocks(path: string, blocks: Iterable<string>): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path, 'wx')
  try {
    for (const block of blocks) {
      hash.update(block)
      await file.writeFile(block)
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}
