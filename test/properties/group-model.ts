import assert from 'node:assert/strict'
import type {
  Assignment,
  Checkpoint,
  Driver,
  DriverProducer,
  GroupMember,
  PartitionReader,
} from '../../src/driver.ts'
import { StreamError } from '../../src/index.ts'
import { eventually } from '../conformance/eventually.ts'
import type { Backend } from '../conformance/index.ts'

/** A partition as the model knows it: everything that was sent there, and how far the group is. */
interface Partition {
  readonly id: string
  readonly parents: readonly string[]
  readonly log: string[]
  open: boolean
  /** Records behind the group's checkpoint. */
  committed: number
  /** The group has said that all of an ended partition is done. */
  done: boolean
  epoch: number
}

interface Holding {
  readonly assignment: Assignment
  reader: PartitionReader | undefined
  /** Records read under this assignment, counted from the partition's beginning. */
  read: number
  checkpoint: Checkpoint
  over: boolean
}

interface ModelMember {
  readonly driver: Driver
  readonly member: GroupMember
  readonly held: Map<string, Holding>
}

/** Calls the contract and says at each step what the answer must be. */
export class GroupModel {
  private readonly backend: Backend
  private readonly driver: Driver
  private readonly producer: DriverProducer
  private readonly topic: string
  private readonly partitions = new Map<string, Partition>()
  private readonly members: ModelMember[] = []
  private readonly stale: { member: ModelMember; assignment: Assignment; checkpoint: Checkpoint }[] = []
  /** The group sees the topic when its first member joins: what is empty and ended then is never given to anybody. */
  private seen = false
  private sent = 0

  private constructor(backend: Backend, driver: Driver, producer: DriverProducer, topic: string) {
    this.backend = backend
    this.driver = driver
    this.producer = producer
    this.topic = topic
  }

  static async begin(backend: Backend, topic: string, partitions: number): Promise<GroupModel> {
    const driver = await backend.openDriver()
    await driver.admin.createTopic({ name: topic, partitions })
    const model = new GroupModel(backend, driver, await driver.openProducer({ clientId: 'model' }), topic)
    for (const { id } of (await driver.admin.describeTopic(topic)).partitions) model.add(id, [])
    return model
  }

  async send(which: number): Promise<void> {
    const key = Buffer.from(`k${which}`)
    const texts = Array.from({ length: 1 + (which % 5) }, () => String(++this.sent))
    const records = texts.map((text) => {
      return { key, value: Buffer.from(text), headers: [], timestamp: undefined, partition: undefined }
    })
    const answer = await this.producer.send(this.topic, records)
    for (const [i, text] of texts.entries()) {
      const partition = this.partitions.get(answer.partition(i))
      assert.ok(partition?.open, `${text} went to partition ${answer.partition(i)}, which is not open`)
      partition.log.push(text)
    }
  }

  async join(): Promise<void> {
    if (this.members.length >= 4) return
    const driver = await this.backend.openDriver()
    const held = new Map<string, Holding>()
    const events = {
      assigned: (assignment: Assignment) => {
        const { partition: id, epoch, checkpoint } = assignment
        const partition = this.partitions.get(id)!
        assert.ok(epoch > partition.epoch, `epoch ${epoch} of ${id} came after ${partition.epoch}`)
        partition.epoch = epoch
        held.set(id, { assignment, reader: undefined, read: partition.committed, checkpoint, over: false })
      },
      revoked: async (assignment: Assignment) => letGo(assignment),
      lost: (assignment: Assignment) => letGo(assignment),
      failed: (error: StreamError) => assert.fail(error.stack ?? error.message),
    }
    const letGo = (assignment: Assignment): void => {
      const holding = held.get(assignment.partition)
      if (holding?.assignment.epoch !== assignment.epoch) return
      held.delete(assignment.partition)
      void holding.reader?.close()
      this.stale.push({ member: joined, assignment, checkpoint: holding.checkpoint })
    }
    const { promise, resolve } = Promise.withResolvers<GroupMember>()
    const joined: ModelMember = { driver, held, member: undefined as unknown as GroupMember }
    if (!this.seen) {
      this.seen = true
      for (const partition of this.partitions.values())
        partition.done = !partition.open && partition.log.length === 0
    }
    const options = { group: this.topic, topics: [this.topic], from: 'earliest' as const, clientId: 'model' }
    resolve(driver.joinGroup({ ...options, sessionTimeoutMs: 2_000, drainTimeoutMs: 2_000 }, events))
    Object.assign(joined, { member: await promise })
    this.members.push(joined)
    await this.settled()
  }

  async leave(which: number): Promise<void> {
    const gone = this.take(which)
    await gone?.member.leave()
    await gone?.driver.close()
    await this.settled()
  }

  async crash(which: number): Promise<void> {
    await this.take(which)?.driver.close()
    await this.settled()
  }

  async read(which: number): Promise<void> {
    const [, holding] = this.choose(which) ?? []
    if (holding === undefined || holding.over) return
    const { partition: id } = holding.assignment
    const { log, open } = this.partitions.get(id)!
    if (open && holding.read === log.length) return
    const start = { checkpoint: holding.assignment.checkpoint }
    holding.reader ??= await this.driver.openReader({ topic: this.topic, partition: id, start })
    const batch = await holding.reader.next({ maxBytes: 60, signal: AbortSignal.timeout(3_000) })
    if (batch === null) {
      assert.ok(
        !open && holding.read === log.length,
        `partition ${id} ended at ${holding.read} of ${log.length}`,
      )
      holding.over = true
      holding.checkpoint = holding.reader.checkpoint
      return
    }
    const found = Array.from({ length: batch.count }, (_, i) => Buffer.from(batch.value(i)!).toString())
    assert.deepEqual(found, log.slice(holding.read, holding.read + batch.count))
    holding.read += batch.count
    holding.checkpoint = batch.end
  }

  async checkpoint(which: number): Promise<void> {
    const [member, holding] = this.choose(which) ?? []
    if (member === undefined || holding === undefined) return
    const { assignment, checkpoint, over } = holding
    const partition = this.partitions.get(assignment.partition)!
    const update = { assignment, checkpoint, ...(over ? { ended: true } : {}) }
    const [refusal] = await member.member.checkpoint([update])
    assert.equal(refusal, undefined, refusal?.message)
    partition.committed = holding.read
    if (!over) return
    partition.done = true
    await this.settled()
  }

  /** A checkpoint under an assignment that is over. */
  async late(which: number): Promise<void> {
    const chosen = this.stale[which % Math.max(1, this.stale.length)]
    if (chosen === undefined) return
    const { assignment, checkpoint, member } = chosen
    const result = await member.member.checkpoint([{ assignment, checkpoint }]).then(
      ([refusal]) => refusal,
      (error) => error as unknown,
    )
    assert.ok(result instanceof StreamError, `a late checkpoint of epoch ${assignment.epoch} was accepted`)
    assert.ok(['FENCED', 'CLOSED'].includes(result.code), result.message)
    await this.agrees()
  }

  async abandon(which: number): Promise<void> {
    const [member, holding] = this.choose(which) ?? []
    if (member === undefined || holding === undefined) return
    const { assignment, checkpoint } = holding
    member.held.delete(assignment.partition)
    await holding.reader?.close()
    await member.member.abandon(assignment)
    this.stale.push({ member, assignment, checkpoint })
    await member.member.reclaim(this.topic, assignment.partition)
    await this.settled()
  }

  async seek(which: number): Promise<void> {
    const waiting = this.readable()
    const partition = waiting[which % Math.max(1, waiting.length)]
    if (partition === undefined || !this.seen) return
    const { groups } = this.driver
    if (this.members.length > 0) {
      const refused = groups.seekGroup(this.topic, this.topic, 'earliest', { partition: partition.id })
      await assert.rejects(refused, (error: StreamError) => error.code === 'FENCED')
      return
    }
    await groups.seekGroup(this.topic, this.topic, 'earliest', { partition: partition.id })
    partition.committed = 0
    // As when the topic is first seen.
    partition.done = !partition.open && partition.log.length === 0
    await this.agrees()
  }

  async split(which: number): Promise<void> {
    const open = this.open()
    if (open.length > 5) return
    const parent = open[which % open.length]!
    const children = await this.driver.admin.splitPartition!(this.topic, parent.id)
    assert.equal(children.length, 2)
    this.succeed([parent], children)
    await this.settled()
  }

  async merge(which: number): Promise<void> {
    const { partitions } = await this.driver.admin.describeTopic(this.topic)
    const pairs = partitions.flatMap((a) =>
      partitions.flatMap((b) => {
        const touch = a.state === 'open' && b.state === 'open' && a.hashRange && b.hashRange
        return touch && BigInt(a.hashRange!.to) + 1n === BigInt(b.hashRange!.from)
          ? [[a.id, b.id] as const]
          : []
      }),
    )
    const pair = pairs[which % Math.max(1, pairs.length)]
    if (pair === undefined) return
    const children = await this.driver.admin.mergePartitions!(this.topic, pair)
    this.succeed(
      pair.map((id) => this.partitions.get(id)!),
      children,
    )
    await this.settled()
  }

  /** One last member is given all that is left, in order. */
  async finish(): Promise<void> {
    while (this.members.length > 0) await this.leave(0)
    await this.join()
    for (
      let round = 0;
      this.readable().some(({ open, committed, log }) => !open || committed < log.length);
      round++
    ) {
      assert.ok(round < 1_000, 'the group does not come to its end')
      const { size } = this.members[0]!.held
      for (let i = 0; i < size; i++) {
        await this.read(i)
        await this.checkpoint(i)
      }
    }
    for (const { id, open, done, log, committed } of this.partitions.values()) {
      assert.ok(
        open ? committed === log.length : done,
        `partition ${id} was left at ${committed} of ${log.length}`,
      )
    }
    await this.agrees()
  }

  async end(): Promise<void> {
    for (const { driver } of this.members.splice(0)) await driver.close()
    await this.driver.close()
  }

  private add(id: string, parents: readonly string[]): void {
    this.partitions.set(id, { id, parents, log: [], open: true, committed: 0, done: false, epoch: 0 })
  }

  private succeed(parents: readonly Partition[], children: readonly string[]): void {
    for (const parent of parents) parent.open = false
    for (const child of children)
      this.add(
        child,
        parents.map(({ id }) => id),
      )
  }

  private open(): Partition[] {
    return [...this.partitions.values()].filter(({ open }) => open)
  }

  /** Not done, and all before it is. */
  private readable(): Partition[] {
    const passed = (id: string): boolean => {
      const { done, parents } = this.partitions.get(id)!
      return done && parents.every(passed)
    }
    return [...this.partitions.values()].filter(({ done, parents }) => !done && parents.every(passed))
  }

  private take(which: number): ModelMember | undefined {
    return this.members.splice(which % Math.max(1, this.members.length), 1)[0]
  }

  private choose(which: number): [ModelMember, Holding] | undefined {
    const all = this.members.flatMap((member) =>
      [...member.held.values()].map((holding): [ModelMember, Holding] => [member, holding]),
    )
    return all[which % Math.max(1, all.length)]
  }

  /** Every partition that can be read has one owner, no other has any. */
  private async settled(): Promise<void> {
    if (this.members.length === 0) return
    const expected = this.readable().map(({ id }) => id)
    const owned = (): string[] => this.members.flatMap(({ held }) => [...held.keys()])
    const fits = (): boolean => owned().toSorted().join() === expected.toSorted().join()
    await eventually(fits, { withinMs: 4_000, what: 'each readable partition has one owner' }).catch(
      (error) => {
        throw new Error(`owned: ${owned().join(' ')}; readable: ${expected.join(' ')}`, { cause: error })
      },
    )
    await this.agrees()
  }

  /** What the backend stores is what the model knows. */
  private async agrees(): Promise<void> {
    if (!this.seen) return
    const { partitions } = await this.driver.groups.describeGroup(this.topic)
    for (const { partition: id, lag, ended } of partitions) {
      const { log, committed, done } = this.partitions.get(id)!
      assert.equal(ended, done, `ended of ${id}`)
      if (!done) assert.equal(lag.records, log.length - committed, `lag of ${id}`)
    }
  }
}
