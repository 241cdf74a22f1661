import type { ReadyRecord } from '../../src/catalogue.ts'
import type { ObjectInfo } from '../../src/ports.ts'
import { type DeliveryQuestion, type Plan, planDelivery } from '../../src/steps/plan-delivery.ts'

export const id = '0f0e0d0c-0b0a-4908-8706-050403020100'

/** Of no bytes at all. */
export const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const now = Date.parse('2026-06-01T12:00:00.500Z')
const record: ReadyRecord = { id, key: 'k', format: 'jsonl' }
const info: ObjectInfo = { size: 1_000, validator: 'v1' }
const mediaTypes = { jsonl: 'application/jsonl', csv: 'text/csv; charset=utf-8' }

export interface Asked {
  readonly method?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly record?: Partial<ReadyRecord>
  readonly info?: Partial<ObjectInfo>
  /** @defaultValue true */
  readonly multipleRanges?: boolean
}

export const question = ({
  method = 'GET',
  fields = {},
  record: more,
  multipleRanges = true,
}: Asked): DeliveryQuestion => ({
  method,
  header: (name) => fields[name],
  record: { ...record, ...more },
  mediaTypes,
  multipleRanges,
  now,
  boundary: () => 'b0undary',
  vary: 'X-Org-Name, X-API-Version',
})
/** The plan for a record and an object of 1,000 bytes, but for what is given. */
export const plan = (asked: Asked = {}): Plan => planDelivery(question(asked), { ...info, ...asked.info })
