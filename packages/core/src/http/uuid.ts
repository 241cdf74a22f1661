const canonical = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const sentinel = /^(?:0{8}(?:-0{4}){3}-0{12}|f{8}(?:-f{4}){3}-f{12})$/i

/**
 * Reads a UUID (RFC 9562 §4) in the one form of 36 characters. Its version and variant may be any: the GUIDs of SQL Server
 * and EF Core have digits there that RFC 9562 does not assign.
 *
 * @returns the UUID in lower case, so that an id has one spelling. `undefined`: it is none. The nil and the max UUID are none
 *   either: they stand for a missing value (§5.9, §5.10)
 */
export const parseUuid = (text: string): string | undefined =>
  canonical.test(text) && !sentinel.test(text) ? text.toLowerCase() : undefined
