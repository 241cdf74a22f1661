import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

import { createCRC64, type IHasher } from 'hash-wasm'

import type { Checksum } from '../upstream/open-body.ts'
import type { S3Answer } from './answer.ts'

/**
 * Prepares to verify the checksum of a whole object: its SHA-256, CRC-64/NVME or CRC-32, whichever S3 sent, in this order.
 *
 * @returns `undefined`: S3 sent none of them, or it is one of the parts' checksums (`x-amz-checksum-type: COMPOSITE`)
 */
export function checksumOf(answer: S3Answer): Checksum | undefined {
  const { ChecksumSHA256: sha256, ChecksumCRC64NVME: crc64, ChecksumCRC32: crc } = answer
  // Services that are older than ChecksumType leave it out. A checksum of parts then has the suffix `-N`.
  const isWhole = (sum: string | undefined, length: number): sum is string =>
    answer.ChecksumType !== 'COMPOSITE' && sum?.length === length
  if (isWhole(sha256, 44)) return verifySha256(sha256)
  if (isWhole(crc64, 12)) return verifyCrc64(crc64)
  return isWhole(crc, 8) ? verifyCrc32(crc) : undefined
}

function verifySha256(expected: string): Checksum {
  const digest = createHash('sha256')
  return {
    update: (chunk) => void digest.update(chunk),
    matches: () => digest.digest('base64') === expected,
  }
}

function verifyCrc32(expected: string): Checksum {
  let sum = 0
  return {
    update: (chunk) => void (sum = crc32(chunk, sum)),
    matches: () => Buffer.from(expected, 'base64').toString('hex') === sum.toString(16).padStart(8, '0'),
  }
}

let shared: Promise<IHasher> | undefined

function verifyCrc64(expected: string): Checksum {
  // One for the process: an instance of WebAssembly for each download would reserve gigabytes of addresses.
  shared ??= createCRC64('9a6c9329ac4bc9b5') // the polynomial of NVME, reflected
  const ready = shared
  let state: Uint8Array | undefined
  // Downloads take turns, so a turn must not wait: the state is loaded and used without an await between.
  const resume = (hasher: IHasher): IHasher => (state ? hasher.load(state) : hasher.init())
  return {
    update: async (chunk) => {
      const hasher = await ready
      state = resume(hasher).update(chunk).save()
    },
    matches: async () =>
      resume(await ready).digest('hex') === Buffer.from(expected, 'base64').toString('hex'),
  }
}
