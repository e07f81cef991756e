import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { eventually } from '../../../conformance/eventually.ts'
import { sharedBroker, uniqueName } from '../../../support/kafka/shared-broker.ts'
import { BrokerShell } from '../support/broker-shell.ts'
import { TestCluster } from '../support/test-cluster.ts'
import { TestMember } from '../support/test-member.ts'

/** What Apache's tools may take to start and to join on a busy machine. */
const JAVA_MS = 60_000

const COOPERATIVE = [
  '--command-property',
  'partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
  '--command-property',
  'auto.commit.interval.ms=100',
]

describe.skipIf(!inject('docker'))("members beside Apache's own clients and tools", () => {
  let cluster: TestCluster
  let shell: BrokerShell

  beforeAll(async () => {
    const address = await sharedBroker()
    cluster = await TestCluster.open(address)
    shell = await BrokerShell.at(address)
  }, 120_000)
  afterAll(() => cluster?.close())

  test("a group is shared with Apache's cooperative consumer, whoever leads; its tools describe it", {
    timeout: 240_000,
  }, async () => {
    const topic = await cluster.topic(4)
    for (let partition = 0; partition < 4; partition++) await cluster.write(topic, partition, ['a', 'b'])
    const group = uniqueName('group')
    const consume = () => shell.start('console-consumer', '--topic', topic, '--group', group, ...COOPERATIVE)
    const ours = await TestMember.join(cluster, group, topic)
    const all = await ours.holds(4)
    for (const assignment of all) assert.equal(await ours.checkpoint(assignment, '1:0', 'state'), undefined)
    consume()
    await eventually(() => ours.held.size === 2, { withinMs: JAVA_MS, what: 'Apache has its share' })
    assert.ok(!ours.events.some((event) => event.startsWith('lost')))
    // Its share is revoked before it is assigned: for a moment it is nobody's.
    await eventually(
      async () => {
        const described = await shell.run('consumer-groups', '--describe', '--group', group)
        const rows = described.split('\n').filter((line) => line.includes(topic))
        assert.equal(rows.length, 4, described)
        const owners = new Set(rows.map((row) => row.trim().split(/\s+/)[6]))
        assert.ok(owners.size === 2 && owners.has(ours.member.memberId) && !owners.has('-'), described)
        return true
      },
      { withinMs: JAVA_MS, what: 'two owners are described' },
    )
    // Now Apache's consumer leads: the topic's later partitions are begun by whoever is given them.
    await ours.member.leave()
    const again = await TestMember.join(cluster, group, topic)
    await eventually(() => again.held.size === 2, {
      withinMs: JAVA_MS,
      what: 'a share beside an Apache leader',
    })
    for (const { checkpoint } of again.assignments)
      assert.ok(['1:0', '2:0', '2'].includes(checkpoint), checkpoint)
    await shell.end(group)
    await eventually(() => again.held.size === 4, {
      withinMs: JAVA_MS,
      what: 'all of it after Apache has left',
    })
    await again.member.leave()
    const reset = ['--reset-offsets', '--to-earliest', '--execute', '--topic', topic, '--group', group]
    await shell.run('consumer-groups', ...reset)
    const last = await TestMember.join(cluster, group, topic)
    assert.deepEqual(
      (await last.holds(4)).map(({ checkpoint, state }) => [checkpoint, state]),
      new Array(4).fill(['0', null]),
    )
    await last.member.leave()
  })

  test("beside an Apache leader a new topic's partitions are begun all the same", {
    timeout: 240_000,
  }, async () => {
    const topic = await cluster.topic(2)
    const group = uniqueName('group')
    shell.start('console-consumer', '--topic', topic, '--group', group, ...COOPERATIVE)
    const groupHasMember = async () => (await shell.run('consumer-groups', '--list')).includes(group)
    await eventually(groupHasMember, { withinMs: JAVA_MS, what: 'Apache leads' })
    const ours = await TestMember.join(cluster, group, topic)
    await eventually(() => ours.held.size === 1, { withinMs: JAVA_MS, what: 'a share' })
    await shell.end(group)
    await ours.member.leave()
  })

  test("a group of KIP-848 is shared with Apache's consumer; its tools describe it", {
    timeout: 240_000,
  }, async () => {
    const newer = new TestCluster(cluster.wire, undefined, 'consumer')
    const topic = await cluster.topic(4)
    const group = uniqueName('group')
    const ours = await TestMember.join(newer, group, topic)
    await ours.holds(4)
    const theirs = ['--command-property', 'group.protocol=consumer']
    shell.start('console-consumer', '--topic', topic, '--group', group, ...theirs)
    await eventually(() => ours.held.size === 2, { withinMs: JAVA_MS, what: 'Apache has its share' })
    assert.ok(!ours.events.some((event) => event.startsWith('lost')))
    const described = await shell.run('consumer-groups', '--describe', '--group', group)
    const rows = described.split('\n').filter((line) => line.includes(topic))
    assert.ok(
      rows.some((row) => row.includes(ours.member.memberId)),
      described,
    )
    // Whoever has the first partition begins a topic that is new, and Apache's consumer does not do that for others.
    await ours.member.leave()
    const again = await TestMember.join(newer, group, topic)
    await eventually(() => again.held.size === 2, { withinMs: JAVA_MS, what: 'a share again' })
    await shell.end(group)
    await eventually(() => again.held.size === 4, {
      withinMs: JAVA_MS,
      what: 'all of it after Apache has left',
    })
    await again.member.leave()
  })
})
