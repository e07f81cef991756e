import type {
  Assignment,
  AssignmentEvents,
  CheckpointUpdate,
  Driver,
  DriverGroups,
  DriverTransaction,
  GroupMember,
  JoinOptions,
  TransactionalProducer,
} from '../../../src/driver.ts'
import { CoverageMap } from './coverage-map.ts'
import { now, type OracleFact } from './events.ts'
import { RecordingReader } from './recording-reader.ts'

type Record = (fact: OracleFact) => void

/**
 * A driver that tells the oracle of assignments, accepted and refused checkpoints and seeks, and otherwise does what
 * `inner` does. `member` names the one member that this connection joins as, unique over all processes of a case.
 */
export function recordingDriver(inner: Driver, member: string, record: Record): Driver {
  const coverage = new CoverageMap()
  const originals = new WeakMap<GroupMember, GroupMember>()
  const groupOf = new WeakMap<GroupMember, string>()
  const driver: Driver = {
    name: inner.name,
    address: inner.address,
    capabilities: inner.capabilities,
    admin: inner.admin,
    groups: recordingGroups(inner.groups, record),
    classify: (error) => inner.classify(error),
    comparePositions: (a, b) => inner.comparePositions(a, b),
    openProducer: (options) => inner.openProducer(options),
    openReader: async (options) => new RecordingReader(await inner.openReader(options), options, coverage),
    close: () => inner.close(),
    async joinGroup(options, events) {
      const original = await inner.joinGroup(options, recordingEvents(options, events))
      const wrapped = recordingMember(original, options.group)
      originals.set(wrapped, original)
      groupOf.set(wrapped, options.group)
      return wrapped
    },
  }
  if (inner.openTransactions !== undefined) {
    driver.openTransactions = async (options) => recordingTransactions(await inner.openTransactions!(options))
  }
  return driver

  function told(
    group: string,
    type: 'assigned' | 'revoked' | 'released' | 'lost' | 'fenced',
    of: Assignment,
  ): void {
    record({ type, group, member, topic: of.topic, partition: of.partition, epoch: of.epoch })
  }

  function recordingEvents(options: JoinOptions, events: AssignmentEvents): AssignmentEvents {
    return {
      assigned(assignment) {
        told(options.group, 'assigned', assignment)
        events.assigned(assignment)
      },
      async revoked(assignment) {
        told(options.group, 'revoked', assignment)
        await events.revoked(assignment)
        told(options.group, 'released', assignment)
      },
      lost(assignment) {
        told(options.group, 'lost', assignment)
        events.lost(assignment)
      },
      failed: (error) => events.failed(error),
    }
  }

  function accepted(group: string, update: CheckpointUpdate, requestedAt: number): void {
    const { topic, partition, epoch } = update.assignment
    const covers = coverage.covered(topic, partition, update.checkpoint)
    record({ type: 'checkpointed', group, member, topic, partition, epoch, covers, requestedAt })
  }

  function recordingMember(original: GroupMember, group: string): GroupMember {
    return {
      get memberId() {
        return original.memberId
      },
      get maxStateBytes() {
        return original.maxStateBytes
      },
      async checkpoint(updates) {
        const requestedAt = now()
        const results = await original.checkpoint(updates)
        updates.forEach((update, i) => {
          if (results[i] === undefined) accepted(group, update, requestedAt)
          else told(group, 'fenced', update.assignment)
        })
        return results
      },
      async abandon(assignment) {
        told(group, 'lost', assignment)
        await original.abandon(assignment)
      },
      reclaim: (topic, partition) => original.reclaim(topic, partition),
      leave: () => original.leave(),
    }
  }

  function recordingTransactions(original: TransactionalProducer): TransactionalProducer {
    return {
      async begin() {
        return recordingTransaction(await original.begin())
      },
      close: () => original.close(),
    }
  }

  /** A checkpoint in a transaction counts from its commit on. */
  function recordingTransaction(original: DriverTransaction): DriverTransaction {
    const pending: { group: string; update: CheckpointUpdate; requestedAt: number }[] = []
    return {
      send: (topic, records) => original.send(topic, records),
      async checkpoint(by, updates) {
        const requestedAt = now()
        await original.checkpoint(originals.get(by) ?? by, updates)
        const group = groupOf.get(by) ?? ''
        pending.push(...updates.map((update) => ({ group, update, requestedAt })))
      },
      async commit() {
        await original.commit()
        for (const { group, update, requestedAt } of pending) accepted(group, update, requestedAt)
      },
      abort: () => original.abort(),
    }
  }
}

function recordingGroups(inner: DriverGroups, record: Record): DriverGroups {
  return {
    listGroups: () => inner.listGroups(),
    describeGroup: (group) => inner.describeGroup(group),
    deleteGroup: (group) => inner.deleteGroup(group),
    async seekGroup(group, topic, to, options) {
      const startedAt = now()
      await inner.seekGroup(group, topic, to, options)
      record({ type: 'sought', group, topic, partition: options.partition ?? null, startedAt })
    },
  }
}
