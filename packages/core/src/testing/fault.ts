/** What goes wrong, and where. */
export interface Fault {
  /**
   * - `cut`: the read breaks off with `'unavailable'`
   * - `throw`: it breaks off with a foreign error that names buckets, keys and signatures
   * - `stall`: nothing comes any more, until `close`
   * - `slow`: nothing comes for 50 ms, then the rest
   * - `short`: it ends well, too early
   * - `overrun`: 1,000 bytes more come after the last one
   * - `change`: it breaks off, and from then on the object has another validator: a pin is refused with `'object_changed'`
   */
  readonly does: 'cut' | 'stall' | 'short' | 'overrun' | 'slow' | 'change' | 'throw'
  /**
   * The bytes before this position of the object are delivered; then it happens. It meets every read that begins at or
   * before it and asks for bytes from there on, or ends exactly there. `short` needs a byte to be left.
   */
  readonly atByte: number
  /**
   * How often it happens, over all reads.
   * @defaultValue 1
   */
  readonly times?: number
}

/** A fault, and how often it is still to happen. */
export interface ArmedFault {
  readonly fault: Fault
  left: number
}
