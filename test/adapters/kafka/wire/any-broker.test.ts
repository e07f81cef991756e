import { beforeEach, expect, test } from 'vitest'
import { Idempotence } from '../../../../adapters/kafka/producing/idempotence.ts'
import { ClusterWire } from '../../../../adapters/kafka/wire/cluster-wire.ts'
import type { BrokerConnection } from '../../../../adapters/kafka/wire/connector.ts'
import { KafkaError } from '../../../../adapters/kafka/wire/error-codes.ts'
import { initProducerId } from '../../../../adapters/kafka/wire/protocol/init-producer-id.ts'
import type { Api } from '../../../../adapters/kafka/wire/wire.ts'
import { StreamError } from '../../../../src/driver.ts'

type Conduct = 'serve' | 'load in progress' | 'freeze'

const NODES = [1, 2, 3]
/** By node. */
let conduct: Record<number, Conduct>
let asked: number[]
let wire: ClusterWire

/** Three brokers on ports 1 to 3 that know of each other and give producer ids, without sockets: requests are not encoded. */
beforeEach(() => {
  conduct = { 1: 'serve', 2: 'serve', 3: 'serve' }
  asked = []
  const settings = {
    seeds: [{ host: 'broker', port: 1 }],
    clientId: 'tests',
    tls: undefined,
    sasl: undefined,
    connectTimeoutMs: 1_000,
  }
  wire = new ClusterWire({ connect: (_, port) => new FakeConnection(port) }, settings)
})

class FakeConnection implements BrokerConnection {
  readonly host = 'broker'
  readonly port: number
  usable = true

  constructor(port: number) {
    this.port = port
  }

  async send<Request, Response>({ name }: Api<Request, Response>): Promise<Response> {
    if (name === 'Metadata') {
      const brokers = NODES.map((node) => ({ node, host: 'broker', port: node, rack: null }))
      return { brokers, controller: 1, topics: [] } as Response
    }
    asked.push(this.port)
    switch (conduct[this.port]) {
      case 'freeze':
        this.usable = false
        throw new StreamError('TIMEOUT', 'the broker has not answered: try again')
      case 'load in progress':
        return {
          errorCode: KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
          producerId: -1,
          producerEpoch: -1,
        } as Response
      default:
        return { errorCode: KafkaError.NONE, producerId: this.port, producerEpoch: 0 } as Response
    }
  }

  close(): void {
    this.usable = false
  }
}

const ask = () =>
  wire.request({ kind: 'any' }, initProducerId, {
    transactionalId: null,
    transactionTimeoutMs: 0,
    producerId: -1,
    producerEpoch: -1,
  })

test('a broker that cannot give a producer id is left for another one', async () => {
  conduct = { 1: 'load in progress', 2: 'load in progress', 3: 'serve' }
  expect(await new Idempotence(wire).obtain()).toEqual({ producerId: 3, epoch: 0 })
  expect(asked).toEqual([1, 2, 3])
})

test('who may ask any broker does not ask one again that hangs, while there are others', async () => {
  conduct = { 1: 'freeze', 2: 'freeze', 3: 'serve' }
  await expect(ask()).rejects.toMatchObject({ code: 'TIMEOUT' })
  await expect(ask()).rejects.toMatchObject({ code: 'TIMEOUT' })
  for (let i = 0; i < 3; i++) expect(await ask()).toMatchObject({ producerId: 3 })
  expect(asked).toEqual([1, 2, 3, 3, 3])
})

test('where all have failed, the one that did so first is asked first', async () => {
  conduct = { 1: 'freeze', 2: 'freeze', 3: 'freeze' }
  for (let i = 0; i < 4; i++) await expect(ask()).rejects.toMatchObject({ code: 'TIMEOUT' })
  conduct[2] = 'serve'
  expect(await ask()).toMatchObject({ producerId: 2 })
  expect(asked).toEqual([1, 2, 3, 1, 2])
})
