/**
 * Bytes that know their place: every 4 bytes are a keyed hash of their offset, so that a wrong offset, a repeated chunk
 * and a mix of two objects all show. Zeros or repeated lines would hide them.
 *
 * @param size - bytes
 * @param key - another key, other bytes everywhere. Whole number
 * @defaultValue key 1
 */
export function positionCoded(size: number, key = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4))
  for (let at = 0; at < words.length; at++) words[at] = mixed(mixed(at ^ 0x9e3779b9) + key)
  return new Uint8Array(words.buffer, 0, size)
}

/** The finalizer of MurmurHash3: every bit of the input moves about half of the bits. */
const mixed = (word: number): number => {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}
