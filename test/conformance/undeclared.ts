import { type Capability, connect } from '../../src/index.ts'
import type { CaseContext } from './case-context.ts'
import { quiet } from './connection.ts'
import { rejectsWith } from './rejects-with.ts'

/** A capability that is not declared is refused at the start and where it is used. */
export async function assertUndeclared(context: CaseContext, capability: Capability): Promise<void> {
  const { streams } = context
  await rejectsWith('UNSUPPORTED', async () => {
    const driver = await context.backend.openDriver()
    try {
      await connect(driver, { require: [capability], logger: quiet })
    } finally {
      await driver.close()
    }
  })
  if (capability === 'transactions') {
    await rejectsWith('UNSUPPORTED', () => streams.transaction(async () => {}))
  } else if (capability === 'splitMerge') {
    const { name } = await context.topic({ partitions: 2 })
    const [a, b] = (await streams.admin.describeTopic(name)).partitions
    await rejectsWith('UNSUPPORTED', () => streams.admin.splitPartition(name, a!.id))
    await rejectsWith('UNSUPPORTED', () => streams.admin.mergePartitions(name, [a!.id, b!.id]))
  } else if (capability === 'addPartitions') {
    const { name } = await context.topic()
    await rejectsWith('UNSUPPORTED', () => streams.admin.addPartitions(name, 2, { acceptReordering: true }))
  } else if (capability === 'staticMembership') {
    const topics = [await context.topic()]
    await rejectsWith('UNSUPPORTED', async () =>
      streams.consumer({ group: context.group, topics, instanceId: 'a' }),
    )
  } else if (capability === 'compaction') {
    await rejectsWith('UNSUPPORTED', () => context.topic({ compacted: true, verify: false }))
  } else if (capability === 'lineage' && context.capabilities.has('addPartitions')) {
    const { name } = await context.topic()
    await rejectsWith(
      ['INVALID_ARGUMENT', 'UNSUPPORTED'],
      () => streams.admin.addPartitions(name, 2),
      /reorder/i,
    )
  }
}
