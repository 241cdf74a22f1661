/**
 * Parses JSON from another process of the bench. Throws if its shape differs from the example: a member is
 * missing or of another type.
 */
export function parseMessage<T extends object>(text: string, example: T): T {
  const value: unknown = JSON.parse(text)
  if (isLike(value, example)) return value
  throw new TypeError(
    `a message with ${Object.keys(example).join(', ')} was expected; got ${text.slice(0, 80)}`,
  )
}

const isLike = <T extends object>(value: unknown, example: T): value is T =>
  typeof value === 'object' &&
  value !== null &&
  Object.entries(example).every(
    ([name, member]) => typeof Object.getOwnPropertyDescriptor(value, name)?.value === typeof member,
  )
