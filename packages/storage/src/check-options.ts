/**
 * Checks that a store was given an object of options that it knows: a misspelt one would be as good as absent.
 *
 * @throws TypeError that names the option, and never shows a value
 */
export function checkNames(door: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${door}: options: write { ${known.join(', ')} }`)
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new TypeError(`${door}: ${name}: unknown option; write one of ${known.join(', ')}`)
}

/** Checks that a client of the SDK is there, by a method that it must have. */
export function checkClient(
  door: string,
  option: string,
  client: unknown,
  method: string,
  write: string,
): void {
  if (typeof client === 'object' && client !== null && typeof Reflect.get(client, method) === 'function')
    return
  throw new TypeError(`${door}: ${option}: write ${write}`)
}
