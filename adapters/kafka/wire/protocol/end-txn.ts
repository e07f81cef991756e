import type { Api } from '../wire.ts'
import type { TransactionRef } from './add-partitions-to-txn.ts'

export const endTxn: Api<TransactionRef & { readonly commit: boolean }, { readonly errorCode: number }> = {
  name: 'EndTxn',
  key: 26,
  version: 2,
  flexible: false,
  encode(to, { transactionalId, producerId, producerEpoch, commit }) {
    to.string(transactionalId).int64(producerId).int16(producerEpoch).boolean(commit)
  },
  decode(from) {
    from.int32() // throttle time
    return { errorCode: from.int16() }
  },
}
