const canonical = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const sentinel = /^(?:0{8}(?:-0{4}){3}-0{12}|f{8}(?:-f{4}){3}-f{12})$/i

/**
 * Parses a UUID (RFC 9562 §4) in its form of 36 characters. Any version and variant is accepted, because the GUIDs of SQL Server
 * and EF Core use values that RFC 9562 does not assign.
 *
 * @returns the UUID in lower case, so that an id has one spelling. `undefined`: the text is not a UUID, or it is the nil or the
 *   max UUID, which stand for a missing value (§5.9, §5.10)
 */
export const parseUuid = (text: string): string | undefined =>
  canonical.test(text) && !sentinel.test(text) ? text.toLowerCase() : undefined
