// Run by a test with few descriptors (`ulimit -n`): opens more than there are, closes, and opens again.
import { createFilesystemStore } from '../../src/filesystem.ts'

const [, , root = ''] = process.argv
const store = createFilesystemStore({ root })
const { signal } = new AbortController()

const openMany = async (): Promise<{ opened: number; refused: readonly string[] }> => {
  const calls = Array.from({ length: 200 }, () => store.get('large', {}, signal))
  const settled = await Promise.allSettled(calls)
  const refused = settled.flatMap((call) => (call.status === 'rejected' ? [String(call.reason)] : []))
  const opened = settled.flatMap((call) => (call.status === 'fulfilled' && call.value ? [call.value] : []))
  for (const object of opened) object.close()
  return { opened: opened.length, refused: [...new Set(refused)] }
}

const readOne = async (): Promise<number> => {
  let bytes = 0
  for await (const chunk of (await store.get('large', {}, signal))?.chunks ?? []) bytes += chunk.length
  return bytes
}

const first = await openMany()
const bytes = await readOne()
const second = await openMany()
process.stdout.write(JSON.stringify({ first, bytes, second }))
