/** An entity tag (RFC 9110 §8.8.3): `opaque` is what stands between the quotes. */
export interface EntityTag {
  readonly weak: boolean
  readonly opaque: string
}

const longestField = 8_192

/** One entity tag; `undefined`: it is none, or longer than 8,192 characters. `W/` is case-sensitive. */
export function parseEntityTag(text: string): EntityTag | undefined {
  if (text.length > longestField) return undefined
  const [, weak, opaque] = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/.exec(text) ?? []
  return opaque === undefined ? undefined : { weak: weak !== undefined, opaque }
}

/**
 * The value of `If-Match` or `If-None-Match` (RFC 9110 §13.1.1): `'*'`, or at least one tag. A tag may hold a comma.
 * `undefined`: it is neither, or longer than 8,192 characters.
 */
export function parseEntityTags(text: string): readonly EntityTag[] | '*' | undefined {
  if (text.length > longestField) return undefined
  if (text === '*') return '*'
  const element = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?:,[ \t,]*|$)/y
  element.lastIndex = /^[ \t,]*/.exec(text)?.[0].length ?? 0
  const tags: EntityTag[] = []
  while (element.lastIndex < text.length) {
    const [, weak, opaque] = element.exec(text) ?? []
    if (opaque === undefined) return undefined
    tags.push({ weak: weak !== undefined, opaque })
  }
  return tags.length > 0 ? tags : undefined
}

/** Equal, and neither is weak (RFC 9110 §8.8.3.2). */
export const strongMatch = (one: EntityTag, other: EntityTag): boolean =>
  !one.weak && !other.weak && one.opaque === other.opaque

/** Equal but for weakness (RFC 9110 §8.8.3.2). */
export const weakMatch = (one: EntityTag, other: EntityTag): boolean => one.opaque === other.opaque
