import { randomUUID } from 'node:crypto'
import type { Assignment, Checkpoint, GroupMember } from '../../../src/driver.ts'
import { type Mutation, memberLike } from './mutate.ts'

/** A zombie's late checkpoint is taken for good. */
export const acceptsLateCheckpoints: Mutation = {
  async joinGroup(driver, options, events) {
    const member = await driver.joinGroup(options, events)
    return memberLike(member, {
      async checkpoint(updates) {
        const results = await member.checkpoint(updates)
        return results.map((error) => (error?.code === 'FENCED' ? undefined : error))
      },
    })
  },
}

/** Says that checkpoints are stored, and stores none. */
export const forgetsCheckpoints: Mutation = {
  async joinGroup(driver, options, events) {
    const member = await driver.joinGroup(options, events)
    return memberLike(member, { checkpoint: async (updates) => updates.map(() => undefined) })
  },
}

/** What was fetched counts as done. */
export function checkpointsBeforeProcessing(): Mutation {
  const fetched = new Map<string, Checkpoint>()
  return {
    batch(batch) {
      fetched.set(`${batch.topic}/${batch.partition}`, batch.end)
      return batch
    },
    async joinGroup(driver, options, events) {
      const member = await driver.joinGroup(options, events)
      return memberLike(member, {
        checkpoint: (updates) =>
          member.checkpoint(
            updates.map((update) => {
              const { topic, partition } = update.assignment
              return { ...update, checkpoint: fetched.get(`${topic}/${partition}`) ?? update.checkpoint }
            }),
          ),
      })
    },
  }
}

/** A revoked partition is given away while its owner drains. */
export const doesNotWaitForDrain: Mutation = {
  joinGroup: (driver, options, events) =>
    driver.joinGroup(options, {
      assigned: (assignment) => events.assigned(assignment),
      async revoked(assignment) {
        void events.revoked(assignment)
      },
      lost: (assignment) => events.lost(assignment),
      failed: (error) => events.failed(error),
    }),
}

/** Each member is a group of its own, and so owns everything. */
export const givesEverythingToAll: Mutation = {
  joinGroup: (driver, options, events) =>
    driver.joinGroup({ ...options, group: `${options.group}-${randomUUID()}` }, events),
}

/** A split partition counts as done at once, so that its children begin before it is drained. */
export const startsChildrenEarly: Mutation = {
  async joinGroup(driver, options, events) {
    const joined = Promise.withResolvers<GroupMember>()
    const end = async (assignment: Assignment): Promise<void> => {
      const { topic, partition, checkpoint } = assignment
      const { partitions } = await driver.admin.describeTopic(topic)
      const split = partitions.find(({ id }) => id === partition)?.state === 'ended'
      if (split) await (await joined.promise).checkpoint([{ assignment, checkpoint, ended: true }])
      else setTimeout(() => void end(assignment).catch(() => {}), 10).unref()
    }
    const member = await driver.joinGroup(options, {
      assigned(assignment) {
        events.assigned(assignment)
        void end(assignment).catch(() => {})
      },
      revoked: (assignment) => events.revoked(assignment),
      lost: (assignment) => events.lost(assignment),
      failed: (error) => events.failed(error),
    })
    joined.resolve(member)
    return member
  },
}
