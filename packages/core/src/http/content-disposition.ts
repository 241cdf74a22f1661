const longestName = 150
const defaultName = 'export'
const utf8 = new TextEncoder()

/**
 * Formats a `Content-Disposition` that saves the body under `filename` (RFC 6266): `filename` in ASCII, and if the name has other
 * characters, `filename*` in UTF-8 (RFC 8187), which clients prefer.
 *
 * Makes the name safe for every file system. Removes invisible characters and text direction controls. Replaces separators and
 * reserved characters by `_`. Removes dots and spaces at both ends. Puts `_` before a Windows device name. Keeps at most 150 bytes
 * of UTF-8, including the extension. Never throws.
 *
 * @param fallback - used if `filename` is `undefined` or nothing of it is left; made safe, too
 */
export function formatAttachment(filename: string | undefined, fallback: string): string {
  const name = safeFilename(filename, fallback)
  const ascii = plain.test(name)
    ? name
    : makeSafe(toAscii(name)) || makeSafe(toAscii(fallback)) || defaultName
  const extended = ascii === name ? '' : `; filename*=UTF-8''${percentEncode(name)}`
  return `attachment; filename="${ascii}"${extended}`
}

/** The name that {@link formatAttachment} saves under. */
export const safeFilename = (filename: string | undefined, fallback: string): string =>
  (filename && makeSafe(filename)) || makeSafe(fallback) || defaultName

function makeSafe(text: string): string {
  if (plain.test(text)) return escapeDevice(text)
  const visible = bound(text).toWellFormed().replaceAll(invisible, '')
  // NFC last: it may compose what a dropped character kept apart, and turns U+037E into a semicolon.
  const stripped = stripEdges(visible.normalize('NFC').replaceAll(reserved, '_'))
  return cut(escapeDevice(cut(stripped)))
}

/** A fast check for names that are safe unchanged, which most are, except for device names. */
const plain = /^[\w-](?:[\w .-]{0,147}[\w-])?$/

/** Controls, bidirectional and zero-width characters, line separators, and noncharacters. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu

/** Path separators, characters reserved on Windows or in header fields, and U+FFFD, which stands for broken text. */
const reserved = /[/\\:*?"<>|%;\ufffd]/g

/** Windows device names. They open the device with any extension, as in `NUL.csv`. */
const device =
  /^(?:con|prn|aux|nul|com[\d\u00b9\u00b2\u00b3]|lpt[\d\u00b9\u00b2\u00b3]|conin\$|conout\$|clock\$) *(?:\.|$)/i

const escapeDevice = (name: string): string => (device.test(name) ? `_${name}` : name)

/** Limits the work: keeps far more characters than the result can have, and the end, because of the extension. */
const bound = (text: string): string => (text.length > 1_024 ? text.slice(0, 960) + text.slice(-64) : text)

function stripEdges(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isEdge(text.charAt(start))) start += 1
  while (end > start && isEdge(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isEdge = (character: string): boolean => /[.\s]/.test(character)

function cut(name: string): string {
  if (bytes(name) <= longestName) return name
  const extension = /(?:\.[A-Za-z0-9]{1,10}){1,3}$/.exec(name)?.[0] ?? ''
  let room = longestName - extension.length
  let stem = ''
  for (const character of name.slice(0, name.length - extension.length)) {
    room -= bytes(character)
    if (room < 0) break
    stem += character
  }
  return stripEdges(stem) + extension
}

const bytes = (text: string): number => utf8.encode(text).length

/** Removes the marks of letters. Other characters that are not ASCII become `_`. */
const toAscii = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\x20-\x7e]/gu, '_')

/** Encodes to the `value-chars` of RFC 8187 §3.2.1. `encodeURIComponent` leaves four other characters as they are. */
const percentEncode = (name: string): string =>
  encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
