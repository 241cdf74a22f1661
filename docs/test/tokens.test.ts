import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, onTestFinished, test } from 'vitest'

import { createForge, forgeAttacks } from '../../packages/core/test/verifiers/forge.ts'
import { blocks } from './blocks.ts'
import { runModule } from './run.ts'

// The verifier of tokens.md that is the reader's own refuses every forged token as the caller's fault.

const forge = createForge()
const own = { token_use: 'access', client_id: '1example23456789' }

/** The block, for the forge's issuer, whose keys are at a loopback address. */
function codeFor(keys: string): string {
  const block = blocks.find(
    ({ document, code }) => document === 'docs/tokens.md' && code.includes('const faults'),
  )
  return (block?.code ?? '')
    .replace(/^const issuer = .*$/m, `const issuer = '${forge.issuer}'`)
    .replace(/new URL\(.*\)\)$/m, `new URL('${keys}'))`)
}

async function serveKeys(): Promise<string> {
  const server = createServer((_, response) => response.end(JSON.stringify(forge.jwks)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return `http://127.0.0.1:${port}/`
}

test(
  'the verifier that tokens.md shows takes a forgery for a fault of the caller',
  { timeout: 20_000 },
  async () => {
    const attacks = forgeAttacks(forge, 'http://127.0.0.1:9/')
    const tokens = [...attacks.map(({ spoilt }) => spoilt), forge.token(own)]
    const code = `
${codeFor(await serveKeys())}
const verdicts = []
for (const token of ${JSON.stringify(tokens)}) {
  const verdict = verifier.verify(token, new AbortController().signal)
  verdicts.push(await verdict.then(({ subject }) => subject, (error) => error.data?.kind ?? String(error)))
}
console.log(JSON.stringify(verdicts))
`
    const { line, end } = await runModule(code)
    await end()
    const verdicts = JSON.parse(line) as readonly string[]
    expect(verdicts.at(-1)).toBe('user-1')
    const others = attacks.map(({ name }, index) => `${name}: ${verdicts[index]}`)
    expect(others.filter((verdict) => !verdict.endsWith(': token_invalid'))).toEqual([])
  },
)
