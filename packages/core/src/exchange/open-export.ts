import type { FilledDelivery } from '../options/resolve-options.ts'
import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '../ports.ts'
import { wantedGot, refusal, refusalCause, refusalDetail } from '../refusals.ts'
import { checkObject } from '../steps/check-object.ts'
import type { DeliveryQuestion, Plan } from '../steps/plan-delivery.ts'
import { decidesFirst } from '../steps/plan-delivery.ts'
import { withDeadline } from '../waiting.ts'
import type { Exchange } from './exchange.ts'

/** Describes and opens one object of the store. */
export interface ObjectAccess {
  head(): Promise<ObjectInfo | undefined>
  /** Opens the object. It is closed when the exchange ends. */
  get(options: GetOptions): Promise<OpenObject | undefined>
}

/** Access to one object for one exchange. Its calls use the exchange's signal and count as its attempts. */
export interface StoreAccess extends ObjectAccess {
  /** Whether the store may reuse the memory of a chunk once the reader requests the next one. */
  readonly borrow: boolean
  /** Opens the same object again. Refuses `object_changed` if it has changed. The caller must close it. */
  reopen(range: ByteRange, info: ObjectInfo): Promise<OpenObject>
}

/**
 * Creates the {@link StoreAccess} of one exchange.
 *
 * @param find - returns the store. Called once, at the first use, because the host's `store` function may throw
 */
export function accessObject(
  find: () => ExportStore,
  key: string,
  borrow: boolean,
  { storeSilenceMs }: FilledDelivery,
  exchange: Exchange,
): StoreAccess {
  const { callPort, draft } = exchange
  let found: ExportStore | undefined
  const store = (): ExportStore => (found ??= find())
  return {
    borrow,
    head: () => callPort('store', async (signal) => store().head(key, signal)),
    get: (options) => {
      draft.attempts += 1
      return callPort('store', async (signal) => {
        const object = await store().get(key, { ...options, borrow }, signal)
        if (object) exchange.onEnd(() => object.close())
        return object && checkOpen(object)
      })
    },
    reopen: async (range, info) => {
      draft.attempts += 1
      const pinned = { range, ifMatch: info.validator, borrow }
      const open = (signal: AbortSignal): Promise<OpenObject | undefined> => store().get(key, pinned, signal)
      const late = (object: OpenObject | undefined): void => object?.close()
      return checkSame(await withDeadline(open, { ms: storeSilenceMs, signal: exchange.signal, late }), info)
    },
  }
}

/** Refuses an open object of the store that cannot be read or closed. The host may have written the store in JavaScript. */
function checkOpen(object: OpenObject): OpenObject {
  const { chunks, close } = object as Partial<OpenObject>
  if (typeof chunks?.[Symbol.asyncIterator] === 'function' && typeof close === 'function') return object
  const cause = wantedGot('an open object needs info, chunks and close', Object.keys(object))
  throw refusal({ kind: 'upstream_error', trouble: 'object_malformed' }, cause)
}

/** Returns a reopened object if `info` describes it. Otherwise closes it and refuses `object_changed`. */
function checkSame(object: OpenObject | undefined, info: ObjectInfo): OpenObject {
  if (!object) throw changed(info, undefined)
  const open = checkOpen(object)
  try {
    if (sameObject(checkObject(open.info, undefined), info)) return open
  } catch (error) {
    open.close()
    throw error
  }
  open.close()
  throw changed(info, open.info)
}

/** The plan of a response, and the object that it sends. */
export interface OpenedExport {
  readonly plan: Plan
  readonly info: ObjectInfo
  /** The object, opened at the plan's first range. Absent: the plan sends no bytes. */
  readonly object?: OpenObject
}

/**
 * Describes the object, plans the response and opens the object. A plain download needs one `get`. A request with conditions or
 * ranges must be decided first: the description comes from the record, if it has size and validator, otherwise from `head()`, and
 * `get` is called with the validator of that description. If the object has changed in between, all of this is done once more.
 */
export async function openExport(
  question: DeliveryQuestion,
  access: ObjectAccess,
  plan: (question: DeliveryQuestion, info: ObjectInfo) => Plan,
): Promise<OpenedExport> {
  if (decidesFirst(question)) return openPlanned(question, access, plan, true)
  const object = await present(access.get({}), question)
  const info = checkObject(object.info, question.record.object)
  return { plan: plan(question, info), info, object }
}

async function openPlanned(
  question: DeliveryQuestion,
  access: ObjectAccess,
  plan: (question: DeliveryQuestion, info: ObjectInfo) => Plan,
  mayRepeat: boolean,
): Promise<OpenedExport> {
  const { method, record } = question
  const known = method === 'HEAD' ? undefined : knownInfo(question)
  const info = known ?? checkObject(await present(access.head(), question), record.object)
  const planned = plan(question, info)
  const [first] = planned.ranges
  if (method === 'HEAD' || !first) return { plan: planned, info }
  try {
    const object = await present(
      access.get({ ...partOf(first, info.size), ifMatch: info.validator }),
      question,
    )
    if (sameObject(checkObject(object.info, undefined), info)) return { plan: planned, info, object }
    object.close()
    throw changed(info, object.info)
  } catch (error) {
    if (refusalDetail(error)?.kind !== 'object_changed') throw error
    if (known) throw refusal({ kind: 'upstream_error', trouble: 'record_stale' }, error)
    if (!mayRepeat) throw refusal({ kind: 'object_changed', trouble: 'object_changed' }, refusalCause(error))
    return openPlanned(question, access, plan, false)
  }
}

/** Whether two descriptions belong to the same object. */
const sameObject = (one: ObjectInfo, other: ObjectInfo): boolean =>
  one.validator === other.validator && one.size === other.size && one.encoding === other.encoding

const changed = (wanted: ObjectInfo, got: ObjectInfo | undefined): Error =>
  refusal(
    { kind: 'object_changed' },
    wantedGot(`the object must have ${wanted.size} bytes and the validator '${wanted.validator}'`, [
      got?.size,
      got?.validator,
    ]),
  )

const partOf = (range: ByteRange, size: number): { range?: ByteRange } =>
  range.first === 0 && range.last === size - 1 ? {} : { range }

async function present<V>(found: Promise<V | undefined>, { record }: DeliveryQuestion): Promise<V> {
  const value = await found
  if (value === undefined || value === null)
    throw refusal(
      { kind: 'object_missing' },
      wantedGot(`the store must have the object '${record.key}'`, value),
    )
  return value
}

/**
 * The object as the record describes it, if that decides the plan. A condition on a date also needs the date in the record: without
 * it the store is asked, because a plain download shows the store's date as `Last-Modified`.
 */
function knownInfo({ record: { object }, header }: DeliveryQuestion): ObjectInfo | undefined {
  if (object?.size === undefined || object.validator === undefined) return undefined
  if (object.lastModified === undefined && hasDateCondition(header)) return undefined
  return checkObject({ ...object, size: object.size, validator: object.validator }, undefined)
}

const hasDateCondition = (header: DeliveryQuestion['header']): boolean =>
  header('if-modified-since') !== undefined ||
  header('if-unmodified-since') !== undefined ||
  header('if-range')?.includes('"') === false
