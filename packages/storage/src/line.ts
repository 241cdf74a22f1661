/** A place in a {@link Line}. */
export interface Place {
  readonly go: () => void
  before: Place | undefined
  after: Place | undefined
  waits: boolean
}

/** Who waits, first come first served. */
export interface Line {
  isEmpty(): boolean
  join(go: () => void): Place
  /** Gives the place up. It may be asked of one whose turn has come: nothing happens. */
  leave(place: Place): void
  /** Calls the first, who waits no more. `false`: nobody waits. */
  call(): boolean
}

/**
 * Joining and leaving cost the same however long it is. Not a Set: of one whose entries come and go, V8 leaves tables behind
 * that keep each other and all that was in them, whole requests here, until a full collection.
 */
export function createLine(): Line {
  let first: Place | undefined
  let last: Place | undefined
  const leave = (place: Place): void => {
    const { before, after, waits } = place
    if (!waits) return
    place.waits = false
    // A place that kept its neighbours would keep all that ever waited.
    place.before = undefined
    place.after = undefined
    if (before) before.after = after
    else first = after
    if (after) after.before = before
    else last = before
  }
  return {
    isEmpty: () => !first,
    join: (go) => {
      const place: Place = { go, before: last, after: undefined, waits: true }
      if (last) last.after = place
      else first = place
      last = place
      return place
    },
    leave,
    call: () => {
      if (!first) return false
      const { go } = first
      leave(first)
      go()
      return true
    },
  }
}
