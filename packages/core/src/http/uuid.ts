const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/**
 * Reads a UUID of version 1 to 8 in the variant of RFC 9562 (§4.1, §4.2), in the one form of 36 characters.
 *
 * @returns the UUID in lower case, so that an id has one spelling. `undefined`: it is none. The nil and the max UUID are none
 *   either (§5.9, §5.10)
 */
export const parseUuid = (text: string): string | undefined =>
  canonical.test(text) ? text.toLowerCase() : undefined
