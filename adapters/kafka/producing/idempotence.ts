import { errorOf, KafkaError } from '../wire/error-codes.ts'
import { initProducerId } from '../wire/protocol/init-producer-id.ts'
import { retrying } from '../wire/retry.ts'
import type { KafkaWire } from '../wire/wire.ts'
import type { Identity, IdentitySource } from './identity.ts'

const MAX_EPOCH = 0x7fff
const DEADLINE_MS = 30_000

/**
 * One producer id for all partitions, and for each an epoch of its own: brokers keep producers' states by partition, and a
 * higher epoch fences what may still be on its way under the lower one, as Kafka's Java client does it (KIP-360).
 */
export class Idempotence implements IdentitySource {
  readonly transactionalId = null
  readonly #wire: KafkaWire
  #identity: Promise<Identity> | undefined

  constructor(wire: KafkaWire) {
    this.#wire = wire
  }

  obtain(): Promise<Identity> {
    this.#identity ??= this.#ask().catch((error) => {
      this.#identity = undefined
      throw error
    })
    return this.#identity
  }

  renew({ producerId, epoch }: Identity): Identity | undefined {
    if (epoch < MAX_EPOCH) return { producerId, epoch: epoch + 1 }
    // 32,768 failures in one partition: the id is used up.
    this.#identity = undefined
    return undefined
  }

  async #ask(): Promise<Identity> {
    return retrying(
      async () => {
        const answer = await this.#wire.request({ kind: 'any' }, initProducerId, {
          transactionalId: null,
          transactionTimeoutMs: 60_000,
          producerId: -1,
          producerEpoch: -1,
        })
        if (answer.errorCode !== KafkaError.NONE) throw errorOf(answer.errorCode, 'asking for a producer id')
        return { producerId: answer.producerId, epoch: answer.producerEpoch }
      },
      { deadline: performance.now() + DEADLINE_MS },
    )
  }
}

/** For acks=1, which cannot be idempotent: a batch that is sent again may be there twice. */
export const WITHOUT_IDENTITY: IdentitySource = {
  transactionalId: null,
  obtain: async () => ({ producerId: -1, epoch: -1 }),
  renew: (identity) => identity,
}
