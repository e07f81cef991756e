import type { Command } from 'commander'
import { StreamError, type Streams, type TopicDescription } from '../index.ts'
import { unknownPartition } from '../tools/replay/topic-source.ts'
import { writeAll } from '../tools/standard-output.ts'
import { parsedBy, UsageError } from './failure.ts'
import { bytes, count, counted, duration, table } from './human.ts'
import { parseBytes, parseCount, parseDuration } from './moments.ts'
import { backendArgument, openBackend, topicArgument } from './open-backend.ts'
import { addPlan } from './topics-plan.ts'
import { addScale } from './topics-scale.ts'

export function addTopics(program: Command): void {
  const topics = program
    .command('topics')
    .description('create, list, describe, delete, plan and repartition topics')

  topics
    .command('create')
    .description('create a topic')
    .argument('<address>', 'backend and topic, such as log:./data/orders', parsedBy(topicArgument))
    .option('--partitions <n>', 'number of partitions', parsedBy(parseCount), 1)
    .option(
      '--retention <duration>',
      'keep records for so long: 12h, 7d, or "forever"',
      parsedBy(parseRetention),
    )
    .option('--retention-bytes <size>', 'keep so much a partition: 10GB', parsedBy(parseBytes))
    .option('--max-record-bytes <size>', 'largest record', parsedBy(parseBytes))
    .option('--compacted', 'keep only the newest record of each key')
    .option('--compression <codec>', 'none, gzip, snappy, lz4 or zstd', parsedBy(parseCompression))
    .option('--set <name=value...>', 'a setting of the backend, by its own name')
    .option('--json', 'describe the topic in JSON')
    .action(async ({ backend, topic }, options, command) => {
      await using streams = await openBackend(backend, command, { create: true })
      await streams.admin.createTopic({
        name: topic,
        partitions: options.partitions,
        ...(options.retention !== undefined && { retentionMs: options.retention }),
        ...(options.retentionBytes !== undefined && { retentionBytes: options.retentionBytes }),
        ...(options.maxRecordBytes !== undefined && { maxRecordBytes: options.maxRecordBytes }),
        ...(options.compacted && { compacted: true }),
        ...(options.compression !== undefined && { compression: options.compression }),
        ...(options.set !== undefined && { settings: settingsOf(options.set) }),
      })
      await writeAll(
        options.json
          ? jsonOf(await streams.admin.describeTopic(topic))
          : `created ${topic} with ${counted(options.partitions, 'partition')}\n`,
      )
    })

  topics
    .command('list')
    .description('list the topics of a backend')
    .argument('<address>', 'backend, such as log:./data', parsedBy(backendArgument))
    .option('--json', 'a list in JSON')
    .action(async (backend, options, command) => {
      await using streams = await openBackend(backend, command)
      const names = await streams.admin.listTopics()
      await writeAll(options.json ? `${JSON.stringify(names)}\n` : names.map((name) => `${name}\n`).join(''))
    })

  topics
    .command('describe')
    .description('partitions of a topic, what they hold, and what they come from')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .option('--json', 'in JSON')
    .action(async ({ backend, topic }, options, command) => {
      await using streams = await openBackend(backend, command)
      const description = await streams.admin.describeTopic(topic)
      await writeAll(options.json ? jsonOf(description) : textOf(description))
    })

  topics
    .command('delete')
    .description('delete a topic and all that is in it')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .action(async ({ backend, topic }, _options, command) => {
      await using streams = await openBackend(backend, command)
      await streams.admin.deleteTopic(topic)
      await writeAll(`deleted ${topic}\n`)
    })

  topics
    .command('add-partitions')
    .description('raise the number of open partitions')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .argument('<total>', 'how many there are to be', parsedBy(parseCount))
    .option('--accept-reordering', 'where partitions have no lineage (Kafka): keys move and lose their order')
    .action(async ({ backend, topic }, total, options, command) => {
      await using streams = await openBackend(backend, command)
      await streams.admin.addPartitions(topic, total, { acceptReordering: options.acceptReordering === true })
      await writeAll(`${topic} has ${counted(total, 'open partition')}\n`)
    })

  topics
    .command('split')
    .description('end a partition and continue it in two')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .argument('<partition>')
    .action(async ({ backend, topic }, partition, _options, command) => {
      await using streams = await openBackend(backend, command)
      await checkPartitions(streams, topic, [partition])
      const children = await streams.admin.splitPartition(topic, partition)
      await writeAll(`split ${partition} into ${children.join(' and ')}\n`)
    })

  topics
    .command('merge')
    .description('end two neighbouring partitions and continue them in one')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .argument('<partition>')
    .argument('<other>')
    .action(async ({ backend, topic }, partition, other, _options, command) => {
      await using streams = await openBackend(backend, command)
      await checkPartitions(streams, topic, [partition, other])
      const children = await streams.admin.mergePartitions(topic, [partition, other])
      await writeAll(`merged ${partition} and ${other} into ${children.join(' and ')}\n`)
    })

  addScale(topics)
  addPlan(topics)
}

/** NOT_FOUND, with those that exist, for a partition that does not. */
export async function checkPartitions(
  streams: Streams,
  topic: string,
  wanted: readonly string[],
): Promise<void> {
  const known = (await streams.admin.describeTopic(topic)).partitions.map(({ id }) => id)
  const missing = wanted.find((id) => !known.includes(id))
  if (missing !== undefined) throw unknownPartition(topic, missing, known)
}

function parseRetention(text: string): number {
  return text === 'forever' ? Number.POSITIVE_INFINITY : parseDuration(text)
}

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

function parseCompression(text: string): (typeof CODECS)[number] {
  const found = CODECS.find((codec) => codec === text)
  if (found === undefined) throw new UsageError(`"${text}" is no compression: write ${CODECS.join(', ')}`)
  return found
}

function settingsOf(pairs: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new StreamError('INVALID_ARGUMENT', `"${pair}" is no setting: write --set NAME=VALUE.`)
    settings[pair.slice(0, at)] = pair.slice(at + 1)
  }
  return settings
}

/** Infinity has no JSON: what is kept for ever says null. */
function jsonOf(description: TopicDescription): string {
  return `${JSON.stringify(description)}\n`
}

function textOf(topic: TopicDescription): string {
  const kept = [
    topic.retentionMs === undefined || topic.retentionMs === Number.POSITIVE_INFINITY
      ? undefined
      : `for ${duration(topic.retentionMs)}`,
    topic.retentionBytes === undefined ? undefined : `up to ${bytes(topic.retentionBytes)} a partition`,
    topic.compacted ? 'the newest of each key' : undefined,
  ].filter((part) => part !== undefined)
  const settings = Object.entries(topic.settings).map(([name, value]) => `${name}=${value}`)
  const open = topic.partitions.filter(({ state }) => state === 'open').length
  const ended = topic.partitions.length - open
  const head = [
    `${topic.name}: ${counted(open, 'open partition')}${ended > 0 ? `, ${count(ended)} ended` : ''}`,
    `kept: ${kept.length > 0 ? kept.join(', ') : 'everything'}`,
    `largest record: ${bytes(topic.maxRecordBytes)}`,
    ...(settings.length > 0 ? [`settings: ${settings.join(', ')}`] : []),
  ]
  const lineage = topic.partitions.some(({ parents, children }) => parents.length + children.length > 0)
  const rows = topic.partitions.map((partition) => [
    partition.id,
    partition.state,
    partition.earliest ?? '-',
    partition.latest ?? '-',
    partition.records === undefined ? '-' : count(partition.records),
    partition.bytes === undefined ? '-' : bytes(partition.bytes),
    ...(lineage ? [partition.parents.join(', ') || '-', partition.children.join(', ') || '-'] : []),
  ])
  const headings = ['partition', 'state', 'earliest', 'next', 'records', 'size']
  return `${head.join('\n')}\n\n${table(lineage ? [...headings, 'parents', 'children'] : headings, rows)}`
}
