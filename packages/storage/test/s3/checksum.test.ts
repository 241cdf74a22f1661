import { expect, test } from 'vitest'

import { checksumOf } from '../../src/s3/checksum.ts'

const digits = Buffer.from('123456789')
const letters = Buffer.from('abcdefghi')
/** CRC-64/NVME of {@link digits}: the check value of the catalogue of CRC algorithms. */
const CRC64_OF_DIGITS = Buffer.from('ae8b14860a799888', 'hex').toString('base64')

const crc64 = () => checksumOf({ $metadata: {}, ChecksumCRC64NVME: CRC64_OF_DIGITS })

test('objects that are verified in the same turn of the event loop do not disturb each other', async () => {
  const right = Array.from({ length: 3 }, crc64)
  const wrong = crc64()
  await Promise.all([wrong?.update(letters), ...right.map(async (sum) => sum?.update(digits.subarray(0, 4)))])
  await Promise.all([...right.map(async (sum) => sum?.update(digits.subarray(4))), wrong?.update(letters)])
  const matches = await Promise.all([...right, wrong].map(async (sum) => sum?.matches()))
  expect(matches).toEqual([true, true, true, false])
})

test.each([
  { ChecksumCRC32: '????????' },
  { ChecksumCRC32: 'AAAA====' },
  { ChecksumCRC64NVME: '????????????' },
  { ChecksumSHA256: '?'.repeat(44) },
])('a checksum that is not base64 matches nothing: %o', async (sums) => {
  const sum = checksumOf({ $metadata: {}, ...sums })
  await sum?.update(digits)
  expect(await sum?.matches()).toBe(false)
})
