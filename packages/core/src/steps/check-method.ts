import { gotWanted, refusal } from '../refusals.ts'

/** The methods that the handler answers, as `Allow` lists them (RFC 9110 §10.2.1). */
export const allowedMethods = 'GET, HEAD, OPTIONS'

/** Refuses every method but GET, HEAD and OPTIONS. */
export function checkMethod(method: string): void {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS')
    throw refusal(
      { kind: 'method_not_allowed' },
      gotWanted(`the method must be one of ${allowedMethods}`, method),
    )
}
