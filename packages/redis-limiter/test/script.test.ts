import { expect, test } from 'vitest'

import { createScript } from '../src/script.ts'
import type { Command } from '../src/script.ts'

const run = { keys: ['{t}:a', '{t}:b'], args: ['1'] }
const digest = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db' // of 'return 1'

const answering = (
  ...answers: readonly (string | Error)[]
): { sent: unknown[]; send: (command: Command, key: string) => Promise<string> } => {
  const sent: unknown[] = []
  const send = async (command: Command, key: string): Promise<string> => {
    const answer = answers[sent.length] ?? 'nothing more'
    sent.push({ command, key })
    if (typeof answer === 'string') return answer
    throw answer
  }
  return { sent, send }
}

test('a script is called by its hash, on the node of its first key', async () => {
  const { sent, send } = answering('yes')
  expect(await createScript(send, 'return 1')(run, () => true)).toBe('yes')
  expect(sent).toEqual([{ command: ['EVALSHA', digest, '2', '{t}:a', '{t}:b', '1'], key: '{t}:a' }])
})

test('a node that does not know the script gets its text', async () => {
  const { sent, send } = answering(new Error('NOSCRIPT No matching script. Please use EVAL.'), 'yes')
  expect(await createScript(send, 'return 1')(run, () => true)).toBe('yes')
  expect(sent[1]).toEqual({ command: ['EVAL', 'return 1', '2', '{t}:a', '{t}:b', '1'], key: '{t}:a' })
})

test('but not if the caller has left', async () => {
  const { sent, send } = answering(new Error('NOSCRIPT No matching script. Please use EVAL.'))
  await expect(createScript(send, 'return 1')(run, () => false)).rejects.toThrow('NOSCRIPT')
  expect(sent).toHaveLength(1)
})

test('any other error is passed on', async () => {
  const { sent, send } = answering(new Error('OOM command not allowed'))
  await expect(createScript(send, 'return 1')(run, () => true)).rejects.toThrow('OOM')
  expect(sent).toHaveLength(1)
})
