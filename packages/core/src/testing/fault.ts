/** A fault of a read, and its position. */
export interface Fault {
  /**
   * - `cut`: the read fails with `'unavailable'`
   * - `throw`: the read fails with a foreign error that names buckets, keys and signatures
   * - `stall`: the read gives nothing until `close`
   * - `slow`: the read gives nothing for 50 ms, and then the rest
   * - `short`: the read ends too early, without an error
   * - `overrun`: the read gives 1,000 more bytes after the last one
   * - `change`: the read fails, and the object gets another validator: a pin is refused with `'object_changed'`
   */
  readonly does: 'cut' | 'stall' | 'short' | 'overrun' | 'slow' | 'change' | 'throw'
  /**
   * The position in the object. The bytes before it are given, then the fault happens. It affects every read that begins at or
   * before it and reaches or ends exactly there. `short` affects only a read with bytes after it.
   */
  readonly atByte: number
  /**
   * How often the fault happens, over all reads.
   * @defaultValue 1
   */
  readonly times?: number
}

/** A fault, and how often it will still happen. */
export interface ArmedFault {
  readonly fault: Fault
  left: number
}
