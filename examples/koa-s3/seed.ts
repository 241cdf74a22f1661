import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { SeededExport } from '@sallyport/example-shared/seed-catalogue'
import { writeBlocks } from '@sallyport/example-shared/write-blocks'

/** The bytes are the same at every start. */
const plan = [
  { id: '3a6d0f52-9c41-4e7b-8f25-d1b07c94ae63', format: 'csv', count: 250_000 },
  { id: '7e52b8c1-04fd-4a96-b3d8-2c6f9a1e5d07', format: 'json', count: 40 },
  { id: 'b9f4170e-6d83-4c2a-9e51-80a3c7d25f16', format: 'csv', count: 60 },
] as const

/**
 * Writes exports of made-up user actions to `<directory>/<organization>/<id>.<format>`: a large table and a small JSON
 * document for the first organization, a small table for the other.
 */
export async function seedExports(
  directory: string,
  first: string,
  other: string,
): Promise<readonly SeededExport[]> {
  const seeded: SeededExport[] = []
  for (const [index, { id, format, count }] of plan.entries()) {
    const organization = index < 2 ? first : other
    await mkdir(join(directory, organization), { recursive: true })
    const path = join(directory, organization, `${id}.${format}`)
    const sha256 = await writeBlocks(path, userActions(organization, format, count))
    seeded.push({ organization, id, format, sha256 })
  }
  return seeded
}

const blockLength = 10_000

function* userActions(organization: string, format: keyof typeof formats, count: number): Generator<string> {
  const { before, line, after } = formats[format]
  yield before
  for (let number = 0; number < count; number += blockLength) {
    const lines = Array.from({ length: Math.min(blockLength, count - number) }, (_, nth) =>
      line(userAction(organization, number + nth), number + nth),
    )
    yield lines.join('')
  }
  yield after
}

const formats = {
  csv: {
    before: 'occurred_at,action,actor,source_ip,outcome\r\n',
    // No value holds a comma, a quote or a line break.
    line: ({ occurredAt, action, actor, sourceIp, outcome }: UserAction) =>
      `${occurredAt},${action},${actor},${sourceIp},${outcome}\r\n`,
    after: '',
  },
  json: {
    before: '[',
    line: (action: UserAction, number: number) => `${number > 0 ? ',' : ''}\n  ${JSON.stringify(action)}`,
    after: '\n]\n',
  },
} as const

type UserAction = ReturnType<typeof userAction>

const actions = [
  'session.start',
  'limit.change',
  'payout.approve',
  'payout.reject',
  'member.invite',
  'key.rotate',
]
const start = Date.UTC(2026, 0, 1)

function userAction(organization: string, number: number) {
  const random = Math.imul(number + 1, 0x9e_37_79_b1) >>> 0
  return {
    occurredAt: new Date(start + number * 900).toISOString(),
    action: actions[random % actions.length],
    actor: `user-${random % 400}@${organization}.example`,
    sourceIp: `203.0.113.${random % 256}`,
    outcome: random % 50 === 0 ? 'denied' : 'allowed',
  }
}
