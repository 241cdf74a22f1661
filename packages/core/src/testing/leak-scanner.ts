import { randomBytes } from 'node:crypto'

import type { ExportStore, ObjectInfo, OpenObject } from '../ports.ts'
import { refusal, refusalDetail, refuse } from '../refusals.ts'
import { encodingsOf, occursIn } from './encodings.ts'
import { leakyError, secretNames, type Secrets } from './leaky-error.ts'
import { textsIn } from './texts-in.ts'

/** Puts secrets into a store, and searches for them in what a service sends. */
export interface LeakScanner {
  /**
   * Wraps a store so that it contains secrets: in its validators, in additional members of its results, and in every error. An
   * error is replaced by, or gets as its cause, an error with the shape of a storage client's. Kinds of refusals and bytes do not
   * change. A catalogue record with a validator must have the validator of the wrapped store's `head`.
   */
  plant(store: ExportStore): ExportStore
  /**
   * Returns the names of the secrets that it finds: `bucket`, `key`, `region`, `host`, `account`, `accessKeyId`, `requestId`,
   * `signature`; and `ticket` for any ticket of `createTickets`. `[]`: it finds none. A requested key of a wrapped store counts as `key`, too, if it has a `/`.
   *
   * Searches any value: text, bytes, arrays of both (joined), maps, headers, errors with all their members, and members that are
   * not enumerable. Finds a secret in upper or lower case, percent-encoded, JSON- or HTML-escaped (each up to three times), in base64
   * at any offset, in hex, and as the beginning of its SHA-256 in hex or base64.
   *
   * The `cause` of an event may contain secrets. Pass `{ ...event }`, which omits it.
   */
  find(seen: unknown): readonly string[]
}

/** Creates a scanner with random secrets, so scanners and test runs do not find each other's secrets. */
export function createLeakScanner(): LeakScanner {
  const secrets = randomSecrets()
  const askedKeys = new Set<string>()
  return {
    plant: (store) => planted(store, secrets, (key) => void (key.includes('/') && askedKeys.add(key))),
    find(seen) {
      const texts = textsIn(seen)
      const leaks = (secret: string): boolean => {
        const encodings = encodingsOf(secret)
        return texts.some((text) => occursIn(text, encodings))
      }
      const found: readonly string[] = secretNames.filter(
        (name) => leaks(secrets[name]) || (name === 'key' && [...askedKeys].some(leaks)),
      )
      return texts.some((text) => ticketStart.test(text)) ? [...found, 'ticket'] : found
    },
  }
}

/** Every ticket starts with this, `{"alg":"dir","enc":"A256GCM","kid":"` in base64url. */
const ticketStart = /eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoi/i

function randomSecrets(): Secrets {
  const random = (): string =>
    randomBytes(15)
      .toString('base64url')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, 'x')
  return {
    bucket: `exports-${random()}`,
    key: `${random()}/${random()}.jsonl`,
    region: `eu-${random()}-7`,
    host: `${random()}.storage.internal`,
    account: random(),
    accessKeyId: `AKIA${random().toUpperCase()}`,
    requestId: random(),
    signature: `${random()}/+${random()}=`,
  }
}

function planted(store: ExportStore, secrets: Secrets, asked: (key: string) => void): ExportStore {
  const mark = ` ${Object.values(secrets).join(' ')}`
  const marked = (info: ObjectInfo): ObjectInfo => ({ ...info, ...secrets, validator: info.validator + mark })
  const unmarked = (pin: string): string =>
    pin.endsWith(mark) ? pin.slice(0, -mark.length) : refuse('object_changed')
  return {
    async head(key, signal) {
      asked(key)
      const info = await store.head(key, signal).catch((error: unknown) => fail(error, secrets, signal))
      return info && marked(info)
    },
    async get(key, { ifMatch, ...options }, signal) {
      asked(key)
      const pin = ifMatch === undefined ? {} : { ifMatch: unmarked(ifMatch) }
      const object = await store
        .get(key, { ...options, ...pin }, signal)
        .catch((error: unknown) => fail(error, secrets, signal))
      return object && openPlanted(object, marked(object.info), secrets)
    },
  }
}

function openPlanted(object: OpenObject, info: ObjectInfo, secrets: Secrets): OpenObject {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* object.chunks
    } catch (error) {
      fail(error, secrets)
    }
  }
  return { ...secrets, info, chunks: chunks(), close: () => object.close() }
}

/** Throws an error of the same kind, with secrets in it. Throws the reason of a signal unchanged. */
function fail(error: unknown, secrets: Secrets, signal?: AbortSignal): never {
  if (signal?.aborted === true && error === signal.reason) throw error
  const leak = Object.assign(leakyError(secrets), { original: error })
  const detail = refusalDetail(error)
  throw detail ? refusal(detail, leak) : leak
}
