import type { Api } from '../wire.ts'
import type { TransactionRef } from './add-partitions-to-txn.ts'

export const addOffsetsToTxn: Api<
  TransactionRef & { readonly group: string },
  { readonly errorCode: number }
> = {
  name: 'AddOffsetsToTxn',
  key: 25,
  version: 2,
  flexible: false,
  encode(to, { transactionalId, producerId, producerEpoch, group }) {
    to.string(transactionalId).int64(producerId).int16(producerEpoch).string(group)
  },
  decode(from) {
    from.int32() // throttle time
    return { errorCode: from.int16() }
  },
}
