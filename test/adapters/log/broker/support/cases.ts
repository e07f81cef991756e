import { groupCases } from './group-cases.ts'
import type { Backend } from './open.ts'
import { produceCases } from './produce-cases.ts'
import { reshardingCases } from './resharding-cases.ts'
import { tableCases } from './table-cases.ts'
import { transactionCases } from './transaction-cases.ts'

/** What holds on memory and on files alike, at the level of the driver's contract. */
export function driverCases(backend: Backend): void {
  produceCases(backend)
  groupCases(backend)
  reshardingCases(backend)
  transactionCases(backend)
  tableCases(backend)
}
