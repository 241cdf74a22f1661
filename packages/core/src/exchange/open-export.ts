import type { ReadyRecord } from '../catalogue.ts'
import type { FilledDelivery } from '../options/resolve-options.ts'
import type { ByteRange, ExportStore, GetOptions, ObjectInfo, OpenObject } from '../ports.ts'
import { gotWanted, refusal, refusalCause, refusalDetail } from '../refusals.ts'
import { checkObject } from '../steps/check-object.ts'
import type { DeliveryQuestion, Plan } from '../steps/plan-delivery.ts'
import { decidesFirst } from '../steps/plan-delivery.ts'
import { withDeadline } from '../waiting.ts'
import type { Exchange } from './exchange.ts'

/** One object of the store. */
export interface ObjectAccess {
  head(): Promise<ObjectInfo | undefined>
  /** The object is closed when the exchange ends, read or not. */
  get(options: GetOptions): Promise<OpenObject | undefined>
}

/** One object of the store, as one exchange sees it: with its signal and its count of attempts. */
export interface StoreAccess extends ObjectAccess {
  /** Whether the store may reuse the memory of a chunk once the reader asks for the next one. */
  readonly borrow: boolean
  /** Opens the same object again. Refuses `object_changed` where it is another one by now. The caller closes it. */
  reopen(range: ByteRange, info: ObjectInfo): Promise<OpenObject>
}

/** @param find - called once, when the store is needed: the host's `store` function may throw */
export function accessObject(
  find: () => ExportStore,
  key: string,
  borrow: boolean,
  { storeSilenceMs }: FilledDelivery,
  exchange: Exchange,
): StoreAccess {
  const { ask, entry } = exchange
  let found: ExportStore | undefined
  const store = (): ExportStore => (found ??= find())
  return {
    borrow,
    head: () => ask('store', async (signal) => store().head(key, signal)),
    get: (options) => {
      entry.attempts += 1
      return ask('store', async (signal) => {
        const object = await store().get(key, { ...options, borrow }, signal)
        if (object) exchange.onEnd(() => object.close())
        return object && checkOpen(object)
      })
    },
    reopen: async (range, info) => {
      entry.attempts += 1
      const pinned = { range, ifMatch: info.validator, borrow }
      const open = (signal: AbortSignal): Promise<OpenObject | undefined> => store().get(key, pinned, signal)
      const late = (object: OpenObject | undefined): void => object?.close()
      return checkSame(await withDeadline(open, { ms: storeSilenceMs, signal: exchange.signal, late }), info)
    },
  }
}

/** A store is a port: what it calls an open object must at least be one that can be read and closed. */
function checkOpen(object: OpenObject): OpenObject {
  const { chunks, close } = object as Partial<OpenObject>
  if (typeof chunks?.[Symbol.asyncIterator] === 'function' && typeof close === 'function') return object
  const cause = gotWanted('an open object needs info, chunks and close', Object.keys(object))
  throw refusal({ kind: 'upstream_error', trouble: 'object_malformed' }, cause)
}

/** The object that was opened again, if it is the one that `info` describes. Any other is closed. */
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

/** What is sent, of which object. */
export interface OpenedExport {
  readonly plan: Plan
  readonly info: ObjectInfo
  /** Open at the plan's first range. Absent: the plan sends no bytes of it. */
  readonly object?: OpenObject
}

/**
 * Describes, plans and opens. A plain download is one `get`; what must be decided first is a `head`, or the record where
 * it knows size and validator, and then a `get` pinned to what was described. An object that changed in between is
 * described and planned once more.
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
  const known = method === 'HEAD' ? undefined : knownInfo(record)
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

/** Whether two descriptions are of one object. */
const sameObject = (one: ObjectInfo, other: ObjectInfo): boolean =>
  one.validator === other.validator && one.size === other.size && one.encoding === other.encoding

const changed = (wanted: ObjectInfo, got: ObjectInfo | undefined): Error =>
  refusal(
    { kind: 'object_changed' },
    gotWanted(`the object must have ${wanted.size} bytes and the validator '${wanted.validator}'`, [
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
      gotWanted(`the store must have the object '${record.key}'`, value),
    )
  return value
}

/** What the catalogue knows is enough to decide by, if it knows size and validator. */
function knownInfo({ object }: ReadyRecord): ObjectInfo | undefined {
  if (object?.size === undefined || object.validator === undefined) return undefined
  return checkObject({ ...object, size: object.size, validator: object.validator }, undefined)
}
