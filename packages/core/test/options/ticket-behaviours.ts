import type { Behaviours } from '../../../../scripts/test-options.ts'
import type { Ticket, Tickets } from '../../src/ticket.ts'
import type { TicketOptions } from '../../src/verifiers/ticket-options.ts'
import { createTickets } from '../../src/verifiers/tickets.ts'
import { refusalOf } from '../error-formats/refusals.ts'
import { acme, ids, principalOf } from '../handler/scene.ts'

const at = 1_800_000_000_000
const capability = 'exports:download'
const keyOf = (id: string): TicketOptions['keys'][number] => ({
  id,
  secret: Uint8Array.from({ length: 32 }, (_, index) => index + id.charCodeAt(0)),
})
/** The options that must be given, and no other. */
export const soundTicketOptions: TicketOptions = { keys: [keyOf('a')] }

const ticketsOf = (changes: Partial<TicketOptions>): Tickets =>
  createTickets({ ...soundTicketOptions, ...changes })
const sealedBy = (tickets: Tickets): ReturnType<Tickets['seal']> =>
  tickets.seal(
    {
      principal: principalOf('ann', { claims: { team: 'blue' } }),
      tenant: acme,
      exportId: ids.ready,
      version: 'v1',
      capability,
    },
    at,
  )
const seen =
  <V>(see: (ticket: Ticket) => V) =>
  async (changes: Partial<TicketOptions>): Promise<V> =>
    see((await sealedBy(ticketsOf(changes))).ticket)
/** Whether a ticket that `changes` made is opened by tickets without them. */
const opensElsewhere = async (changes: Partial<TicketOptions>): Promise<string> => {
  const { text } = await sealedBy(ticketsOf(changes))
  return ticketsOf({})
    .open(text, capability, at)
    .then(() => 'opened', String)
}
const used = { id: '1', issuer: 'i', subject: 's', tenantId: 't', exportId: 'e', issuedAt: new Date(at) }

export const ticketBehaviours: Behaviours<TicketOptions> = {
  keys: {
    see: opensElsewhere,
    before: 'opened',
    after: [
      [{ keys: [keyOf('b')] }, 'Error: ticket_invalid'],
      [{ keys: [keyOf('a'), keyOf('b')] }, 'opened'],
    ],
  },
  startWithinMs: {
    see: seen(({ startBy }) => startBy - at),
    before: 300_000,
    after: [[{ startWithinMs: 1_000 }, 1_000]],
  },
  resumeWithinMs: {
    see: seen(({ resumeBy }) => resumeBy - at),
    before: 86_400_000,
    after: [
      [{ resumeWithinMs: 300_000 }, 300_000],
      [{ startWithinMs: 604_800_000 }, 604_800_000],
    ],
  },
  parameter: {
    see: async (changes) => ticketsOf(changes).parameter,
    before: 'sig',
    after: [[{ parameter: 'ticket' }, 'ticket']],
  },
  audience: {
    see: opensElsewhere,
    before: 'opened',
    after: [
      [{ audience: 'invoices' }, 'Error: ticket_invalid'],
      [{ audience: capability }, 'opened'],
    ],
  },
  claims: {
    see: seen(({ principal }) => principal.claims),
    before: {},
    after: [[{ claims: ({ claims }) => claims }, { team: 'blue' }]],
  },
  isRevoked: {
    see: async (changes) => ticketsOf(changes).isRevoked?.(used, new AbortController().signal),
    before: undefined,
    after: [[{ isRevoked: async () => true }, true]],
  },
  url: {
    see: async (changes) => ticketsOf(changes).url?.('/x'),
    before: undefined,
    after: [[{ url: (path) => `https://a.example${path}` }, 'https://a.example/x']],
  },
  page: {
    see: async (changes) => ticketsOf(changes).page?.(refusalOf('ticket_expired')),
    before: undefined,
    after: [[{ page: ({ kind }) => kind }, 'ticket_expired']],
  },
}
