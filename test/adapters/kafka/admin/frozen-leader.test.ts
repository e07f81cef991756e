import { expect, test } from 'vitest'
import { KafkaAdmin } from '../../../../adapters/kafka/admin/kafka-admin.ts'
import { FakeWire } from '../support/fake-wire.ts'

const logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Any broker tells the settings; the leader of the one partition hangs. */
function setUp() {
  const wire = new FakeWire()
  wire.nodeOf = async (to) => (to.kind === 'node' ? to.node : 3)
  wire.frozen.add(1)
  wire.answer = ({ api, request }) => {
    if (api === 'DescribeConfigs') return [{ errorCode: 0, errorMessage: null, name: 't', entries: [] }]
    // biome-ignore lint/suspicious/noExplicitAny: a request
    return request.partitions.map((it: any) => ({ ...it, errorCode: 0, offset: it.timestamp === -2 ? 3 : 7 }))
  }
  return { wire, admin: new KafkaAdmin({ wire, logger, rack: undefined, groupProtocol: 'classic' }) }
}

test('a topic is described by the leader that follows one that hangs', async () => {
  const { wire, admin } = setUp()
  const described = admin.describeTopic('t')
  await expect.poll(() => wire.asked.some(({ api }) => api === 'ListOffsets')).toBe(true)
  wire.leader = 2
  expect((await described).partitions).toMatchObject([{ id: '0', earliest: '3', latest: '7', records: 4 }])
})

test('what a leader would tell that hangs for long is left out', async () => {
  const { admin } = setUp()
  expect((await admin.describeTopic('t')).partitions).toMatchObject([
    { id: '0', earliest: null, latest: null },
  ])
})
