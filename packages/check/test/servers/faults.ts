import type { Fault } from './faults/fault.ts'
import { conditionFaults } from './faults/of-conditions-and-bytes.ts'
import { refusalFaults } from './faults/of-fields-and-refusals.ts'
import { framingFaults } from './faults/of-framing-and-ranges.ts'

/** Servers with one fault each. */
export const faults: readonly Fault[] = [...framingFaults, ...conditionFaults, ...refusalFaults]
