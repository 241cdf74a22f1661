const longestName = 150
const lastResort = 'export'
const utf8 = new TextEncoder()

/**
 * `Content-Disposition` that saves under `filename` (RFC 6266): first `filename` in ASCII, then, only where the name has
 * other characters, `filename*` in UTF-8 (RFC 8187), which clients prefer.
 *
 * The name is made safe for every file system: what is invisible or steers text direction is dropped, what separates or
 * is reserved becomes `_`, edge dots and spaces go, Windows device names are spoilt, and at most 150 bytes of UTF-8 are
 * kept, the extension among them. Never throws.
 *
 * @param fallback - used where nothing of `filename` is left or it is `undefined`; made safe too
 */
export function formatAttachment(filename: string | undefined, fallback: string): string {
  const name = (filename && makeSafe(filename)) || makeSafe(fallback) || lastResort
  const ascii = plain.test(name) ? name : makeSafe(toAscii(name)) || makeSafe(toAscii(fallback)) || lastResort
  const extended = ascii === name ? '' : `; filename*=UTF-8''${percentEncode(name)}`
  return `attachment; filename="${ascii}"${extended}`
}

function makeSafe(text: string): string {
  if (plain.test(text)) return spoilDevice(text)
  const visible = bound(text).toWellFormed().replaceAll(invisible, '')
  // NFC last: it may compose what a dropped character kept apart, and turns U+037E into a semicolon.
  const stripped = stripEdges(visible.normalize('NFC').replaceAll(reserved, '_'))
  return cut(spoilDevice(cut(stripped)))
}

/** Most names: safe as they stand, unless of a device, and told so in a fraction of the time. */
const plain = /^[\w-](?:[\w .-]{0,147}[\w-])?$/

/** Controls, bidi and zero-width characters, line separators and what is no character at all. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/gu

/** Path separators, what Windows reserves, what a header's grammar reads, and U+FFFD, the trace of broken text. */
const reserved = /[/\\:*?"<>|%;\ufffd]/g

/** Devices on Windows with any extension: `NUL.csv` opens the device. */
const device =
  /^(?:con|prn|aux|nul|com[\d\u00b9\u00b2\u00b3]|lpt[\d\u00b9\u00b2\u00b3]|conin\$|conout\$|clock\$) *(?:\.|$)/i

const spoilDevice = (name: string): string => (device.test(name) ? `_${name}` : name)

/** Keeps the work small; far more than can be kept, and the end for its extension. */
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

/** Letters without their marks; what is not ASCII even then becomes `_`. */
const toAscii = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\x20-\x7e]/gu, '_')

/** `value-chars` of RFC 8187 §3.2.1; `encodeURIComponent` leaves four characters that are none. */
const percentEncode = (name: string): string =>
  encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
