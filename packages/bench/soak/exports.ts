import { positionCoded } from '@sallyport/core/testing'

/** How the store treats an object: `cutting` and `stalling` break some of its reads, `failing` refuses some of its opens. */
export type Manner = 'steady' | 'cutting' | 'stalling' | 'failing'

/** An export of the soak. Its position in the list determines its bytes, so both processes know them. */
export interface SoakExport {
  readonly id: string
  readonly manner: Manner
  readonly size: number
  readonly bytes: Uint8Array
}

/** The organization that all tokens of the soak name. */
export const organization = 'acme'

const table = [
  ['steady', 0],
  ['steady', 1_024],
  ['steady', 262_144],
  ['steady', 8_388_608],
  ['cutting', 1_048_576],
  ['stalling', 524_288],
  ['failing', 65_536],
] as const satisfies readonly (readonly [Manner, number])[]

/** All exports of the soak, of every manner and size. */
export const soakExports: readonly SoakExport[] = table.map(([manner, size], nth) => ({
  id: `00000000-0000-4000-8000-00000000000${nth}`,
  manner,
  size,
  bytes: positionCoded(size, nth + 1),
}))

/** The path of an export on both servers. */
export const pathOf = ({ id }: SoakExport): string => `/exports/${id}/download`
