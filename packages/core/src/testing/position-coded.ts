/**
 * Makes test bytes: every 4 bytes are a hash of their offset and a key. So a comparison finds a wrong offset, a repeated chunk and a
 * mix of two objects, which zeros or repeated lines would hide.
 *
 * @param size - number of bytes
 * @param key - a whole number. A different key gives different bytes everywhere
 * @defaultValue key 1
 */
export function positionCoded(size: number, key = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4))
  for (let at = 0; at < words.length; at++) words[at] = mixed(mixed(at ^ 0x9e3779b9) + key)
  return new Uint8Array(words.buffer, 0, size)
}

/** The finalizer of MurmurHash3: each bit of the input changes about half of the output bits. */
const mixed = (word: number): number => {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}
