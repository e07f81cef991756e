import type { Api } from '../wire.ts'

export interface DescribedTransaction {
  readonly errorCode: number
  readonly transactionalId: string
  /** Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort … */
  readonly state: string
}

/** Kafka 3.0 and newer. To the transactional ids' coordinator. */
export const describeTransactions: Api<
  { readonly transactionalIds: readonly string[] },
  readonly DescribedTransaction[]
> = {
  name: 'DescribeTransactions',
  key: 65,
  version: 0,
  flexible: true,
  encode(to, { transactionalIds }) {
    to.compactArray(transactionalIds, (id) => to.compactString(id)).tags()
  },
  decode(from) {
    from.int32() // throttle time
    const transactions = from.compactArray(() => {
      const errorCode = from.int16()
      const transactionalId = from.compactString()
      const state = from.compactString()
      from.int32() // time-out
      from.int64() // began
      from.int64() // producer id
      from.int16() // producer epoch
      from.compactArray(() => {
        from.compactString()
        from.compactArray(() => from.int32())
        from.tags()
      })
      from.tags()
      return { errorCode, transactionalId, state }
    })
    from.tags()
    return transactions
  },
}
