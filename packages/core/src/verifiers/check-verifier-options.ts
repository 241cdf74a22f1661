import { unknownOption, whereOptionsAreTold } from '../unknown-option.ts'

/** Reads one verifier's options by name. Each reader throws a `TypeError` that names the option, what was given and what to write. */
export interface OptionReader {
  /** One text that is not empty. */
  text(name: string, what: string): string
  /** As `text`, but what was given is never shown. */
  secret(name: string, what: string): string
  /** One text or several, none empty. */
  texts(name: string, what: string): readonly string[]
  /** One of these texts. */
  oneOf<T extends string>(name: string, values: readonly T[]): T
  /** Whole milliseconds. */
  milliseconds(
    name: string,
    bounds: { readonly otherwise: number; readonly least: number; readonly most: number },
  ): number
  /** An address to send requests to, as it is now: a `URL` may be changed later. */
  endpoint(name: string): string
  /** That a function was given. Optional ones may be absent. */
  checkFunction(name: string, what: string, optional?: 'optional'): void
  /** That a verifier was given. */
  checkVerifier(name: string, what: string): void
  /** Refuses the option. */
  refuse(name: string, write: string, got: string): never
}

/**
 * Checks that options are an object of known names.
 *
 * @param door - the function they were given to, to begin every message with
 */
export function readOptions(door: string, given: unknown, known: readonly string[]): OptionReader {
  const complain = (name: string, fault: string): never => {
    throw new TypeError(`${door}: ${name}: ${fault}\n  ${whereOptionsAreTold}`)
  }
  const refuse = (name: string, write: string, got: string): never =>
    complain(name, `write ${write}; got ${got}`)
  if (!isRecord(given)) return refuse('options', `{ ${known.join(', ')} }`, kindOf(given))
  for (const name of Object.keys(given)) if (!known.includes(name)) complain(name, unknownOption(name, known))

  const text = (name: string, what: string, show: (value: unknown) => string): string => {
    const value = given[name]
    return isText(value) ? value : refuse(name, what, show(value))
  }
  return {
    refuse,
    text: (name, what) => text(name, what, shown),
    secret: (name, what) => text(name, what, kindOf),
    texts(name, what) {
      const value = given[name]
      const values: readonly unknown[] = Array.isArray(value) ? value : [value]
      if (values.length > 0 && values.every(isText)) return [...values]
      return refuse(name, what, Array.isArray(value) ? `[${value.map(shown).join(', ')}]` : shown(value))
    },
    oneOf(name, values) {
      const found = values.find((value) => value === given[name])
      return found ?? refuse(name, values.map(shown).join(' or '), shown(given[name]))
    },
    milliseconds(name, { otherwise, least, most }) {
      const value = given[name] ?? otherwise
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
        return value
      return refuse(name, `whole milliseconds from ${least} to ${most}`, shown(value))
    },
    endpoint(name) {
      const value = given[name]
      if (!(value instanceof URL)) return refuse(name, "new URL('https://…')", kindOf(value))
      if (value.username !== '' || value.password !== '')
        refuse(name, 'a URL without credentials', 'one with them')
      if (isTrusted(value)) return value.href
      return refuse(name, 'an https URL, or http on a loopback host', shown(value.origin + value.pathname))
    },
    checkFunction(name, what, optional) {
      const value = given[name]
      if (typeof value !== 'function' && !(optional && value === undefined)) refuse(name, what, shown(value))
    },
    checkVerifier(name, what) {
      const value = given[name]
      if (!isRecord(value) || typeof value['verify'] !== 'function') refuse(name, what, shown(value))
    },
  }
}

/** What was given, in short. */
export function shown(value: unknown): string {
  if (typeof value === 'string' && value !== '')
    return value.length > 80 ? `a string of ${value.length} characters` : `'${value}'`
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value)
}

/** What was given, where it may be secret. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Keys and secrets travel in clear over http, so only this machine may be asked by it. */
const isTrusted = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' ||
  (protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname))

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
