import type {
  Admission,
  AdmissionAsk,
  ErrorFormat,
  ExportHandlerOptions,
  MultiTenancy,
  RateLimiter,
  SingleTenancy,
  Tenant,
  Tickets,
  TokenVerifier,
  VersionOptions,
} from '@sallyport/core'
import { createMemoryLimiter, problemDetails } from '@sallyport/core'

import type { Metrics } from './metrics.ts'
import { observeStores } from './observe-store.ts'
import type { Current, ObservedRequest } from './observed-request.ts'
import { quietly } from './quietly.ts'
import type { PortSpan } from './spans.ts'

/**
 * Replaces the ports by ones that record each call and then call the host's. Their members do not use `this`. Members that are not
 * named here are the host's own.
 */
export function observePorts<T extends Tenant>(
  options: ExportHandlerOptions<T>,
  current: Current,
  metrics: Metrics,
): ExportHandlerOptions<T> {
  const { verifier, tenancy, findExport, store, audit, tickets, limits, versions = { v1: {} } } = options
  const traced: Traced = (name, call) => {
    const spans = current()?.spans
    return spans ? spans.port(name, call) : call()
  }
  return {
    ...options,
    verifier: observeVerifier(verifier, traced),
    tenancy: observeTenancy(tenancy, traced),
    findExport: (query, signal) => {
      const request = current()
      if (!request?.spans) return findExport(query, signal)
      return request.spans.port('find_export', async () => {
        const record = await findExport(query, signal)
        quietly(() => noteFormat(request, record?.format))
        return record
      })
    },
    store: observeStores(store, current, metrics),
    limits: { ...limits, limiter: observeLimiter(limits?.limiter ?? createMemoryLimiter(), traced, metrics) },
    versions: Object.fromEntries(
      Object.entries(versions).map(([name, version]) => [name, observeVersion(name, version, current)]),
    ),
    ...(tickets && { tickets: observeTickets(tickets, traced) }),
    ...(audit && { audit: (event, signal) => traced('audit', () => audit(event, signal)) }),
  }
}

type Traced = <V>(name: PortSpan, call: () => Promise<V>) => Promise<V>

const observeVerifier = (verifier: TokenVerifier, traced: Traced): TokenVerifier => ({
  verify: (token, signal, caller) => traced('verify', () => verifier.verify(token, signal, caller)),
  ...(verifier.ready && { ready: async (signal) => verifier.ready?.(signal) }),
  ...(verifier.onTrouble && { onTrouble: (listener) => verifier.onTrouble?.(listener) }),
})

function observeTenancy<T extends Tenant>(
  tenancy: MultiTenancy<T> | SingleTenancy<T>,
  traced: Traced,
): MultiTenancy<T> | SingleTenancy<T> {
  if (tenancy.mode === 'single') return tenancy
  return {
    ...tenancy,
    findTenant: (name, principal, signal) =>
      traced('find_tenant', () => tenancy.findTenant(name, principal, signal)),
    ...(tenancy.isMember && {
      isMember: (principal, tenant, signal) =>
        traced('is_member', async () => (await tenancy.isMember?.(principal, tenant, signal)) ?? false),
    }),
  }
}

const observeTickets = (tickets: Tickets, traced: Traced): Tickets => ({
  ...tickets,
  open: (text, capability, at) => traced('verify', () => tickets.open(text, capability, at)),
  ...(tickets.isRevoked && {
    isRevoked: (ticket, signal) =>
      traced('is_revoked', async () => (await tickets.isRevoked?.(ticket, signal)) ?? true),
  }),
})

const observeLimiter = (limiter: RateLimiter, traced: Traced, metrics: Metrics): RateLimiter => ({
  admit: (ask, signal) => {
    const call = (): ReturnType<RateLimiter['admit']> => traced('admit', () => limiter.admit(ask, signal))
    return quietly(metrics.isOn) ? counted(ask, call, metrics) : call()
  },
  ...(limiter.onTrouble && { onTrouble: (listener) => limiter.onTrouble?.(listener) }),
})

async function counted(
  ask: AdmissionAsk,
  call: () => Promise<Admission>,
  metrics: Metrics,
): Promise<Admission> {
  try {
    const admission = await call()
    quietly(() => metrics.admission(ask, admission))
    return admission
  } catch (error) {
    quietly(() => metrics.admission(ask, undefined))
    throw error
  }
}

/** The error format is called for every refusal, also for one whose event is withheld. */
function observeVersion(name: string, version: VersionOptions, current: Current): VersionOptions {
  const errors: ErrorFormat = version.errors ?? problemDetails()
  return {
    ...version,
    errors: (refusal) => {
      const request = current()
      if (request) request.refused = { kind: refusal.kind, version: name }
      return errors(refusal)
    },
  }
}

/** Only what has the form of a format: the record is the host's, and is checked later. */
function noteFormat(request: ObservedRequest, format: unknown): void {
  if (typeof format === 'string' && /^[A-Za-z0-9.]{1,64}$/.test(format)) request.format = format
}
