import type { Command } from 'commander'
import type { GroupDescription } from '../index.ts'
import { joinAddress } from '../tools/address.ts'
import { writeAll } from '../tools/standard-output.ts'
import { parsedBy, UsageError } from './failure.ts'
import { count, counted, duration, table } from './human.ts'
import { parseFrom } from './moments.ts'
import { backendArgument, openBackend, topicArgument } from './open-backend.ts'
import { checkPartitions } from './topics.ts'

export function addGroups(program: Command): void {
  const groups = program.command('groups').description('list, describe, seek and delete consumer groups')

  groups
    .command('list')
    .description('list the groups of a backend')
    .argument('<address>', 'backend, such as log:./data', parsedBy(backendArgument))
    .option('--json', 'a list in JSON')
    .action(async (backend, options, command) => {
      await using streams = await openBackend(backend, command)
      const names = await streams.groups.listGroups()
      await writeAll(options.json ? `${JSON.stringify(names)}\n` : names.map((name) => `${name}\n`).join(''))
    })

  groups
    .command('describe')
    .description('members, partitions, checkpoints and lag of a group')
    .argument('<address>', 'backend', parsedBy(backendArgument))
    .argument('<group>')
    .option('--json', 'in JSON')
    .action(async (backend, group, options, command) => {
      await using streams = await openBackend(backend, command)
      const description = await streams.groups.describeGroup(group)
      await writeAll(options.json ? jsonOf(description) : textOf(description))
    })

  groups
    .command('lag')
    .description('how far a group is behind, by topic')
    .argument('<address>', 'backend', parsedBy(backendArgument))
    .argument('<group>')
    .option('--json', 'in JSON')
    .action(async (backend, group, options, command) => {
      await using streams = await openBackend(backend, command)
      const lags = lagsOf(await streams.groups.describeGroup(group))
      await writeAll(options.json ? `${JSON.stringify(lags)}\n` : lagText(lags))
    })

  groups
    .command('seek')
    .description('move the checkpoints of a group in one topic')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .argument('<group>')
    .requiredOption(
      '--to <place>',
      'earliest, latest, a time, -1h, @POSITION, @POSITION+',
      parsedBy(parseFrom),
    )
    .option('--partition <id>', 'this partition only')
    .option('--force', 'while members are live: they lose what they hold')
    .action(async ({ backend, topic }, group, { to, partition, force }, command) => {
      if (typeof to === 'object' && !('timestamp' in to) && partition === undefined) {
        throw new UsageError('a position belongs to one partition: add --partition ID')
      }
      await using streams = await openBackend(backend, command)
      if (partition !== undefined) await checkPartitions(streams, topic, [partition])
      const options = { ...(partition !== undefined && { partition }), ...(force && { force }) }
      await streams.groups.seekGroup(group, topic, to, options)
      const where =
        partition === undefined ? joinAddress(backend, topic) : `partition ${partition} of ${topic}`
      const after = (await streams.groups.describeGroup(group)).partitions.filter((each) => {
        return each.topic === topic && (partition === undefined || each.partition === partition)
      })
      await writeAll(`moved ${group} in ${where}\n\n${partitionTable(after)}`)
    })

  groups
    .command('delete')
    .description('delete a group and its checkpoints')
    .argument('<address>', 'backend', parsedBy(backendArgument))
    .argument('<group>')
    .action(async (backend, group, _options, command) => {
      await using streams = await openBackend(backend, command)
      await streams.groups.deleteGroup(group)
      await writeAll(`deleted ${group}\n`)
    })
}

/** The stored state is the runtime's own: how large it is tells whether keys are parked. */
function jsonOf(description: GroupDescription): string {
  const partitions = description.partitions.map(({ state, ...rest }) => ({
    ...rest,
    stateBytes: state?.length ?? 0,
  }))
  return `${JSON.stringify({ ...description, partitions })}\n`
}

function textOf(description: GroupDescription): string {
  const { group, state, members, partitions } = description
  const head = `${group}: ${state}, ${counted(members.length, 'member')}\n`
  const rows = members.map(({ memberId, clientId, assignments }) => {
    const held = Map.groupBy(assignments, ({ topic }) => topic)
    const text = [...held].map(
      ([topic, some]) => `${topic}: ${some.map(({ partition }) => partition).join(', ')}`,
    )
    return [memberId, clientId, text.join('; ') || '-']
  })
  const memberText = rows.length > 0 ? `\n${table(['member', 'client', 'partitions'], rows)}` : ''
  return `${head}${memberText}\n${partitionTable(partitions)}`
}

function partitionTable(partitions: GroupDescription['partitions']): string {
  const rows = partitions.map((each) => [
    each.topic,
    each.partition,
    each.position ?? '-',
    each.ended ? 'done' : lagOf(each.lag),
    each.owner ?? '-',
    ...(partitions.some(({ state }) => state !== null) ? [each.state === null ? '-' : 'keys parked'] : []),
  ])
  const headings = ['topic', 'partition', 'position', 'lag', 'owner']
  return table(rows[0]?.length === 6 ? [...headings, 'state'] : headings, rows)
}

function lagOf({ records, millis }: { readonly records?: number; readonly millis?: number }): string {
  if (records !== undefined) return count(records)
  return millis === undefined ? '-' : duration(millis)
}

interface TopicLag {
  readonly topic: string
  readonly records?: number
  readonly millis?: number
}

/** Records add up; of times the longest counts. A topic has a figure when all its partitions have. */
function lagsOf({ partitions }: GroupDescription): TopicLag[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, all]) => {
    const open = all.filter(({ ended }) => !ended)
    const records = open.map(({ lag }) => lag.records)
    const millis = open.map(({ lag }) => lag.millis)
    return {
      topic,
      ...(!records.includes(undefined) && {
        records: (records as number[]).reduce((sum, each) => sum + each, 0),
      }),
      ...(millis.length > 0 && !millis.includes(undefined) && { millis: Math.max(...(millis as number[])) }),
    }
  })
}

function lagText(lags: readonly TopicLag[]): string {
  const rows = lags.map(({ topic, records, millis }) => [
    topic,
    records === undefined ? '-' : count(records),
    millis === undefined ? '-' : duration(millis),
  ])
  return table(['topic', 'records', 'time'], rows)
}
