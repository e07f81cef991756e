import type {
  AssignmentEvents,
  Driver,
  DriverProducer,
  DriverReaderOptions,
  FetchedBatch,
  GroupMember,
  JoinOptions,
  PartitionReader,
} from '../../../src/driver.ts'

/** What a mutant does otherwise than the driver it wraps. */
export interface Mutation {
  batch?(batch: FetchedBatch): FetchedBatch
  producer?(producer: DriverProducer): DriverProducer
  openReader?(driver: Driver, options: DriverReaderOptions): Promise<PartitionReader>
  joinGroup?(driver: Driver, options: JoinOptions, events: AssignmentEvents): Promise<GroupMember>
}

export function mutate(driver: Driver, mutation: Mutation): Driver {
  const { batch: change } = mutation
  return {
    name: driver.name,
    address: driver.address,
    capabilities: driver.capabilities,
    admin: driver.admin,
    groups: driver.groups,
    classify: (error) => driver.classify(error),
    comparePositions: (a, b) => driver.comparePositions(a, b),
    async openProducer(options) {
      const producer = await driver.openProducer(options)
      return mutation.producer?.(producer) ?? producer
    },
    async openReader(options) {
      const reader = await (mutation.openReader?.(driver, options) ?? driver.openReader(options))
      return change === undefined ? reader : changed(reader, change)
    },
    joinGroup: (options, events) =>
      mutation.joinGroup?.(driver, options, events) ?? driver.joinGroup(options, events),
    ...(driver.openTransactions && { openTransactions: (options) => driver.openTransactions!(options) }),
    close: () => driver.close(),
  }
}

/** A member that is `member` but for what `own` says. */
export function memberLike(member: GroupMember, own: Partial<GroupMember>): GroupMember {
  return {
    memberId: member.memberId,
    maxStateBytes: member.maxStateBytes,
    checkpoint: (updates) => member.checkpoint(updates),
    abandon: (assignment) => member.abandon(assignment),
    reclaim: (topic, partition) => member.reclaim(topic, partition),
    leave: () => member.leave(),
    ...own,
  }
}

function changed(reader: PartitionReader, change: (batch: FetchedBatch) => FetchedBatch): PartitionReader {
  return {
    async next(options) {
      const batch = await reader.next(options)
      return batch === null ? null : change(batch)
    },
    get checkpoint() {
      return reader.checkpoint
    },
    close: () => reader.close(),
  }
}
