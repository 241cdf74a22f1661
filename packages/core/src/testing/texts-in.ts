import { inspect, types } from 'node:util'

const ROUNDS = 3

/** Returns all text in any value, as it is and with its escapes undone up to three times. */
export function textsIn(seen: unknown): readonly string[] {
  const texts = new Set([...stringsIn(seen), inspected(seen)])
  for (const text of texts) if (text.includes('\0')) texts.add(text.replaceAll('\0', ''))
  let latest = [...texts]
  for (let round = 0; round < ROUNDS; round++) {
    latest = latest.map(unescaped).filter((text) => !texts.has(text))
    for (const text of latest) texts.add(text)
  }
  return [...texts]
}

/** The output of `util.inspect`, which also shows private fields of classes with a custom inspector. */
function inspected(seen: unknown): string {
  try {
    return inspect(seen, {
      depth: null,
      showHidden: true,
      maxArrayLength: null,
      maxStringLength: null,
      breakLength: Infinity,
    })
  } catch {
    return ''
  }
}

function* stringsIn(seen: unknown): Generator<string> {
  const found = new Set<unknown>()
  const open: unknown[] = [seen]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value === 'string') yield value
    else if (typeof value === 'symbol') yield value.description ?? ''
    else if (typeof value === 'function' || (typeof value === 'object' && value !== null)) {
      if (found.has(value)) continue
      found.add(value)
      open.push(...partsOf(value))
    }
  }
}

function partsOf(value: object): readonly unknown[] {
  const bytes = bytesOf(value)
  if (bytes) return [bytes.toString('latin1')]
  if (value instanceof Headers || value instanceof URLSearchParams || value instanceof Map)
    return [...value].flat()
  if (value instanceof Set) return [...value]
  if (value instanceof URL || value instanceof RegExp) return [String(value)]
  if (value instanceof Response) return [value.headers, value.url, value.statusText]
  return [...membersOf(value), ...joined(value)]
}

const bytesOf = (value: object): Buffer | undefined => {
  if (types.isArrayBufferView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return types.isAnyArrayBuffer(value) ? Buffer.from(value) : undefined
}

/** Names and values of all members, also of those that are not enumerable. Of a getter that throws, only the name. */
const membersOf = (value: object): readonly unknown[] =>
  Reflect.ownKeys(value).flatMap((name): unknown[] => {
    try {
      return [name, Reflect.get(value, name)]
    } catch {
      return [name]
    }
  })

/** Joins the chunks of an array, because a secret may be split across two of them. */
function joined(value: object): readonly string[] {
  if (!Array.isArray(value)) return []
  const pieces = value.map((piece: unknown) =>
    typeof piece === 'object' && piece !== null ? bytesOf(piece)?.toString('latin1') : piece,
  )
  return pieces.every((piece) => typeof piece === 'string') ? [pieces.join('')] : []
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const ESCAPES =
  /%(?<percent>[0-9a-f]{2})|\\u(?<unicode>[0-9a-f]{4})|\\x(?<byte>[0-9a-f]{2})|\\(?<slash>\/)|&#x(?<hex>[0-9a-f]{1,6});?|&#(?<decimal>\d{1,7});?|&(?<named>amp|lt|gt|quot|apos);/gi

/** Undoes percent-encoding, escapes of JSON and JavaScript, and character references of HTML, once. */
const unescaped = (text: string): string =>
  text.replaceAll(ESCAPES, (...match: readonly unknown[]) => {
    const groups = match.at(-1)
    return isGroups(groups) ? decodeEscape(groups) : ''
  })

type Groups = Readonly<
  Record<'percent' | 'unicode' | 'byte' | 'slash' | 'hex' | 'decimal' | 'named', string | undefined>
>

const isGroups = (value: unknown): value is Groups => typeof value === 'object' && value !== null

function decodeEscape({ percent, unicode, byte, slash, hex, decimal, named }: Groups): string {
  if (slash !== undefined) return slash
  if (named !== undefined) return NAMED[named.toLowerCase()] ?? ''
  const code =
    decimal === undefined ? Number.parseInt(percent ?? unicode ?? byte ?? hex ?? '0', 16) : Number(decimal)
  return code <= 0x10ffff ? String.fromCodePoint(code) : ''
}
