/** Counts what is open under each name. A name with nothing open takes no memory. */
export interface SlotTable {
  count(name: string): number
  take(name: string): void
  give(name: string): void
}

export function createSlotTable(): SlotTable {
  const open = new Map<string, number>()
  const count = (name: string): number => open.get(name) ?? 0
  return {
    count,
    take: (name) => {
      open.set(name, count(name) + 1)
    },
    give: (name) => {
      if (count(name) > 1) open.set(name, count(name) - 1)
      else open.delete(name)
    },
  }
}
