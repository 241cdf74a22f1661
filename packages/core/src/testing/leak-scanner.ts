import { randomBytes } from 'node:crypto'

import type { ExportStore, ObjectInfo, OpenObject } from '../ports.ts'
import { refusal, refusalDetail, refuse } from '../refusals.ts'
import { disguisesOf, isSeenIn } from './disguises.ts'
import { leakyError, secretNames, type Secrets } from './leaky-error.ts'
import { readings } from './readings.ts'

/** Plants secrets inside, and looks for them outside. */
export interface LeakScanner {
  /**
   * The same store, but full of secrets: in its validators, in further members of what it gives, and in every error, which
   * is replaced or given a cause shaped as storage clients throw them. Kinds of refusals stay what they are, and the bytes
   * too. A record in the catalogue that carries a validator must carry the planted one, as `head` tells it.
   */
  plant(store: ExportStore): ExportStore
  /**
   * The names of the secrets found, `[]` for none: `bucket`, `key`, `region`, `host`, `account`, `accessKeyId`, `requestId`,
   * `signature`. A key that a planted store was asked for counts as `key` too, where it has a `/`.
   *
   * Looks through anything: texts, bytes, arrays of either put together, maps, headers, errors with all that hangs on them,
   * members that are not enumerable. Finds a secret in any case, percent-encoded, JSON- or HTML-escaped (each up to three
   * times over), in base64 at any offset, in hex, and as the beginning of its SHA-256 in hex or base64.
   *
   * An event's `cause` may hold anything: hand in `{ ...event }`, which leaves it out.
   */
  find(seen: unknown): readonly string[]
}

/** Secrets are random: what one scanner planted no other one finds, and no earlier run. */
export function createLeakScanner(): LeakScanner {
  const secrets = randomSecrets()
  const askedKeys = new Set<string>()
  return {
    plant: (store) => planted(store, secrets, (key) => void (key.includes('/') && askedKeys.add(key))),
    find(seen) {
      const texts = readings(seen)
      const leaks = (secret: string): boolean => {
        const disguises = disguisesOf(secret)
        return texts.some((text) => isSeenIn(text, disguises))
      }
      return secretNames.filter(
        (name) => leaks(secrets[name]) || (name === 'key' && [...askedKeys].some(leaks)),
      )
    },
  }
}

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

/** Says the same thing as the error did, and far too much besides. The reason of a signal is the caller's own. */
function fail(error: unknown, secrets: Secrets, signal?: AbortSignal): never {
  if (signal?.aborted === true && error === signal.reason) throw error
  const leak = Object.assign(leakyError(secrets), { original: error })
  const detail = refusalDetail(error)
  throw detail ? refusal(detail, leak) : leak
}
