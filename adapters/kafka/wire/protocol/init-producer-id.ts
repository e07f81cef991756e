import type { Api } from '../wire.ts'

export interface InitProducerIdRequest {
  /** Null: an idempotent producer without transactions. */
  readonly transactionalId: string | null
  readonly transactionTimeoutMs: number
  /** -1, or the id whose epoch is to be raised (KIP-360). */
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerIdResponse {
  readonly errorCode: number
  readonly producerId: number
  readonly producerEpoch: number
}

/** Version 4 (Kafka 2.7). To any broker without, to the coordinator with a transactional id. */
export const initProducerId: Api<InitProducerIdRequest, InitProducerIdResponse> = {
  name: 'InitProducerId',
  key: 22,
  version: 4,
  flexible: true,
  encode(to, request) {
    to.compactString(request.transactionalId).int32(request.transactionTimeoutMs)
    to.int64(request.producerId).int16(request.producerEpoch).tags()
  },
  decode(from) {
    from.int32() // throttle time
    const errorCode = from.int16()
    const producerId = from.int64()
    return { errorCode, producerId, producerEpoch: from.int16() }
  },
}
