import type { Api } from '../wire.ts'

export interface ListTransactionsRequest {
  /** `Ongoing`, `PrepareCommit` …; empty: all. */
  readonly states: readonly string[]
}

export interface ListTransactionsResponse {
  readonly errorCode: number
  readonly transactions: readonly {
    readonly transactionalId: string
    readonly producerId: number
    readonly state: string
  }[]
}

/** Kafka 3.0 and newer. To every broker: each knows those that it coordinates. */
export const listTransactions: Api<ListTransactionsRequest, ListTransactionsResponse> = {
  name: 'ListTransactions',
  key: 66,
  version: 0,
  flexible: true,
  encode(to, { states }) {
    to.compactArray(states, (state) => to.compactString(state))
    to.compactArray([], () => {}).tags()
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    from.compactArray(() => from.compactString())
    const transactions = from.compactArray(() => {
      const transactionalId = from.compactString()
      const producerId = from.int64()
      const state = from.compactString()
      from.tags()
      return { transactionalId, producerId, state }
    })
    from.tags()
    return { errorCode, transactions }
  },
}
