import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { SeededExport } from '@sallyport/example-shared/seed-catalogue'
import { writeBlocks } from '@sallyport/example-shared/write-blocks'

/** The bytes are the same at every start. */
const plan = [
  { id: '1f4e9a70-3c52-4b8d-a6e1-0d9b7c5a3e82', bytes: 55_000_000, seed: 1 },
  { id: '8c0d2f5e-6a1b-4f0e-9d3c-5b7a1e2f4c60', bytes: 4_000, seed: 2 },
  { id: 'c3b7d915-80ef-4a26-b5c4-7e1f9a0d6b38', bytes: 6_000, seed: 3 },
] as const

/**
 * Writes exports of made-up audit events, a JSON object on each line, to `<directory>/<organization>/<id>.jsonl`: a large
 * and a small one for the first organization, a small one for the other.
 */
export async function seedExports(
  directory: string,
  first: string,
  other: string,
): Promise<readonly SeededExport[]> {
  const seeded: SeededExport[] = []
  for (const [index, { id, bytes, seed }] of plan.entries()) {
    const organization = index < 2 ? first : other
    await mkdir(join(directory, organization), { recursive: true })
    const path = join(directory, organization, `${id}.jsonl`)
    const sha256 = await writeBlocks(path, events(organization, bytes, seed))
    seeded.push({ organization, id, format: 'jsonl', sha256 })
  }
  return seeded
}

const blockLength = 1_048_576

/** At least so many bytes of events, in whole lines. They are ASCII, so that a character is a byte. */
function* events(organization: string, bytes: number, seed: number): Generator<string> {
  const random = createRandom(seed)
  let number = 0
  for (let written = 0; written < bytes;) {
    let block = ''
    while (block.length < blockLength && written + block.length < bytes) {
      block += `${JSON.stringify(auditEvent(organization, number, random))}\n`
      number += 1
    }
    written += block.length
    yield block
  }
}

const actions = ['session.start', 'role.grant', 'role.revoke', 'dataset.read', 'dataset.share', 'key.rotate']
const agents = ['Mozilla/5.0 (X11; Linux x86_64)', 'audit-cli/3.2.0', 'terraform-provider/1.9.4']
const start = Date.UTC(2026, 0, 1)

function auditEvent(organization: string, number: number, random: () => number): object {
  const actor = random() % 400
  return {
    id: `evt_${hex(random())}${hex(random())}${hex(number)}`,
    occurred_at: new Date(start + number * 1_500 + (random() % 1_500)).toISOString(),
    organization,
    action: pick(actions, random()),
    actor: { type: 'user', id: `usr_${actor}`, email: `user-${actor}@${organization}.example` },
    target: { type: 'dataset', id: `ds_${hex(random())}` },
    source: { ip: `203.0.113.${random() % 256}`, user_agent: pick(agents, random()) },
    outcome: random() % 50 === 0 ? 'denied' : 'allowed',
  }
}

const hex = (number: number): string => number.toString(16).padStart(8, '0')

const pick = (list: readonly string[], number: number): string => list[number % list.length] ?? ''

/** Whole numbers below 2^32, the same for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
