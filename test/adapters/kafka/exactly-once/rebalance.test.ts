import { expect, test } from 'vitest'
import type { KafkaGroupMember } from '../../../../adapters/kafka/parts.ts'
import type { ProduceEngine } from '../../../../adapters/kafka/producing/produce-engine.ts'
import { KafkaTransaction } from '../../../../adapters/kafka/transacting/kafka-transaction.ts'
import { TransactionalIdentity } from '../../../../adapters/kafka/transacting/transactional-identity.ts'
import type { Api, BrokerRef, KafkaWire } from '../../../../adapters/kafka/wire/wire.ts'
import { StreamError } from '../../../../src/driver.ts'

const ILLEGAL_GENERATION = 22

/** A coordinator that takes checkpoints under generation 2 alone. */
function setUp() {
  const asked: number[] = []
  const wire = {
    async request(_: BrokerRef, { name }: Api<unknown, unknown>, request: { generation: number }) {
      if (name !== 'TxnOffsetCommit') return { errorCode: 0 }
      asked.push(request.generation)
      return [{ topic: 't', partition: 0, errorCode: request.generation === 2 ? 0 : ILLEGAL_GENERATION }]
    },
    invalidate() {},
  } as unknown as KafkaWire
  const identity = new TransactionalIdentity(wire, 'id', { producerId: 1, epoch: 0 }, 5_000)
  const engine = { idle: async () => {} } as unknown as ProduceEngine
  return { asked, transaction: new KafkaTransaction(wire, identity, engine, 5_000) }
}

const memberIn = (generation: () => number) =>
  ({
    offsetCommit: () => ({
      group: 'g',
      memberId: 'm',
      generation: generation(),
      groupInstanceId: null,
      offsets: [{ topic: 't', partition: 0, offset: 1, leaderEpoch: 0, metadata: '' }],
    }),
  }) as unknown as KafkaGroupMember

test('a checkpoint that meets a rebalance goes again under the generation that follows', async () => {
  const { asked, transaction } = setUp()
  let asks = 0
  await transaction.checkpoint(
    memberIn(() => (++asks < 3 ? 1 : 2)),
    [],
  )
  expect(asked).toEqual([1, 1, 2])
})

test('and is refused once the assignment is not the member’s any more', async () => {
  const { asked, transaction } = setUp()
  let asks = 0
  const member = memberIn(() => {
    if (++asks > 2) throw new StreamError('FENCED', 'another owns it')
    return 1
  })
  await expect(transaction.checkpoint(member, [])).rejects.toMatchObject({ code: 'FENCED' })
  expect(asked).toEqual([1, 1])
})
