import type { abilities } from './abilities.ts'
import type { starts } from './start.ts'

type Runtime = keyof typeof starts
type Ability = keyof typeof abilities

/** What each runtime cannot do, and why. The tests fail if one of these works. */
export const cannot: Readonly<Record<Runtime, Partial<Readonly<Record<Ability, string>>>>> = {
  '@hono/node-server': {},
  srvx: {},
  '@remix-run/node-fetch-server': {
    'refuses a repeated Authorization': 'it reads `headers` of Node, where the first one wins',
  },
  Bun: {
    'sends Content-Length with a download': 'Bun sends streams in chunks (oven-sh/bun#10507)',
  },
  Deno: {},
  workerd: {
    'ends the exchange when the client leaves before the response':
      '`request.signal` fires only after the response has begun',
    'closes the connection after several ranges': 'workerd removes Connection, and decides itself',
  },
}
