export { createMemoryStore } from './testing/memory-store.ts'
export { positionCoded } from './testing/position-coded.ts'
export { type ContractCase, type Shelf, storeContract } from './testing/store-contract.ts'
