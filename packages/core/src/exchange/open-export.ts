import type { ByteRange, ExportRecord, GetOptions, ObjectInfo, OpenObject } from '../ports.ts'
import { refusal, refusalDetail } from '../refusals.ts'
import { checkObject } from '../steps/check-object.ts'
import type { DeliveryQuestion, Plan } from '../steps/plan-delivery.ts'
import { decidesFirst } from '../steps/plan-delivery.ts'

/** The store, for one key. */
export interface ObjectAccess {
  head(): Promise<ObjectInfo | undefined>
  get(options: GetOptions): Promise<OpenObject | undefined>
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
  const object = await present(access.get({}))
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
  const info = known ?? checkObject(await present(access.head()), record.object)
  const planned = plan(question, info)
  const [first] = planned.ranges
  if (method === 'HEAD' || !first) return { plan: planned, info }
  try {
    const object = await present(access.get({ ...partOf(first, info.size), ifMatch: info.validator }))
    if (sameObject(checkObject(object.info, undefined), info)) return { plan: planned, info, object }
    object.close()
    throw refusal({ kind: 'object_changed' })
  } catch (error) {
    if (refusalDetail(error)?.kind !== 'object_changed') throw error
    if (known) throw refusal({ kind: 'upstream_error', trouble: 'record_stale' }, error)
    if (!mayRepeat) throw error
    return openPlanned(question, access, plan, false)
  }
}

/** Whether two descriptions are of one object. */
export const sameObject = (one: ObjectInfo, other: ObjectInfo): boolean =>
  one.validator === other.validator && one.size === other.size && one.encoding === other.encoding

const partOf = (range: ByteRange, size: number): { range?: ByteRange } =>
  range.first === 0 && range.last === size - 1 ? {} : { range }

async function present<V>(found: Promise<V | undefined>): Promise<V> {
  const value = await found
  if (value === undefined || value === null) throw refusal({ kind: 'object_missing' })
  return value
}

/** What the catalogue knows is enough to decide by, if it knows size and validator. */
function knownInfo({ object }: ExportRecord): ObjectInfo | undefined {
  if (object?.size === undefined || object.validator === undefined) return undefined
  return checkObject({ ...object, size: object.size, validator: object.validator }, undefined)
}
