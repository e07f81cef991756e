import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { initProducerId } from '../wire/protocol/init-producer-id.ts'
import { retrying } from '../wire/retry.ts'
import type { KafkaWire } from '../wire/wire.ts'
import type { Identity, IdentitySource } from './identity.ts'

const ANY = { kind: 'any' } as const
const MAX_EPOCH = 0x7fff
/** Who waits for an id asks again until a deadline of its own. Milliseconds. */
const PATIENCE_MS = 2_000
const REQUEST_MS = 5_000

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
        const request = {
          transactionalId: null,
          transactionTimeoutMs: 60_000,
          producerId: -1,
          producerEpoch: -1,
        }
        const answer = await this.#wire.request(ANY, initProducerId, request, { timeoutMs: REQUEST_MS })
        const { errorCode } = answer
        // One that waits for a controller which is gone has none to give, for half a minute perhaps: others may.
        if (isStale(errorCode)) this.#wire.invalidate(ANY)
        if (errorCode !== KafkaError.NONE) throw errorOf(errorCode, 'asking for a producer id')
        return { producerId: answer.producerId, epoch: answer.producerEpoch }
      },
      { deadline: performance.now() + PATIENCE_MS },
    )
  }
}

/** For acks=1, which cannot be idempotent: a batch that is sent again may be there twice. */
export const WITHOUT_IDENTITY: IdentitySource = {
  transactionalId: null,
  obtain: async () => ({ producerId: -1, epoch: -1 }),
  renew: (identity) => identity,
}
