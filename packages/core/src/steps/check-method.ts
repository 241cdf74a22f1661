import { wantedGot, refusal } from '../refusals.ts'

/** The methods of each route, as `Allow` lists them (RFC 9110 §10.2.1). */
export const allowedMethods = {
  download: 'GET, HEAD, OPTIONS',
  ticket: 'POST, OPTIONS',
} as const

/** The two routes of an endpoint: `…/download` and `…/ticket`. */
export type Route = keyof typeof allowedMethods

/** Refuses every method that a route does not have. */
export function checkMethod(method: string, route: Route): void {
  const allowed = allowedMethods[route]
  if (!allowed.split(', ').includes(method))
    throw refusal({ kind: 'method_not_allowed' }, wantedGot(`the method must be one of ${allowed}`, method))
}
