import { listElements } from './field-values.ts'

/**
 * Whether a browser sends the request before the user has clicked: `Sec-Purpose: prefetch` (Fetch standard §5.4), or the older
 * `Purpose: prefetch` and `X-Moz: prefetch`.
 *
 * @param header - returns a field's value by its lower-case name. `undefined`: not sent
 */
export const isPrefetch = (header: (name: string) => string | undefined): boolean =>
  ['sec-purpose', 'purpose', 'x-moz'].some((name) =>
    listElements(header(name) ?? '').some((element) => /^prefetch(?:[ \t]*;|$)/i.test(element)),
  )
