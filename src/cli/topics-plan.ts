import type { Command } from 'commander'
import {
  type CapacityPlan,
  type HotPartition,
  hotPartitions,
  KAFKA_ASSUMPTIONS,
  KINESIS_LIMITS,
  type Load,
  type MeasuredLoad,
  measureLoad,
  planCapacity,
} from '../tools/capacity.ts'
import { writeAll } from '../tools/standard-output.ts'
import { parsedBy, UsageError } from './failure.ts'
import { bytes, count, counted, duration, table } from './human.ts'
import { Interruption } from './interruption.ts'
import { parseBytes, parseCount, parseDuration } from './moments.ts'
import { openBackend, topicArgument } from './open-backend.ts'
import { Progress } from './progress.ts'

interface Options {
  readonly rate?: number
  readonly recordBytes?: number
  readonly readers: number
  readonly headroom: number
  readonly window: number
  readonly sample: number
  readonly json?: boolean
}

export function addPlan(topics: Command): void {
  topics
    .command('plan')
    .description('shards and partitions that a load needs: as a topic has it, or as given')
    .argument('[address]', 'backend and topic, whose load is measured', parsedBy(topicArgument))
    .option('--rate <n>', 'records a second', parsedBy(parseCount))
    .option('--record-bytes <size>', 'key and value, on average', parsedBy(parseBytes))
    .option('--readers <n>', 'applications that read all of it', parsedBy(parseCount), 1)
    .option('--headroom <percent>', 'room to spare', parsedBy(parsePercent), 0.2)
    .option('--window <duration>', 'how far back the load is measured', parsedBy(parseDuration), 300_000)
    .option('--sample <n>', 'at most so many records a partition', parsedBy(parseCount), 50_000)
    .option('--json', 'in JSON')
    .action(async (address, options: Options, command) => {
      if (address === undefined) {
        if (options.rate === undefined || options.recordBytes === undefined) {
          throw new UsageError('give a topic to measure, or --rate and --record-bytes')
        }
        const { rate, recordBytes, readers } = options
        const plan = planCapacity({ recordsPerSecond: rate, recordBytes, readers }, options)
        await writeAll(options.json ? `${JSON.stringify(plan)}\n` : planText(plan))
        return
      }
      using interruption = new Interruption()
      await using streams = await openBackend(address.backend, command)
      using progress = new Progress('partitions', { quiet: options.json === true })
      const measured = await measureLoad(streams, address.topic, {
        windowMs: options.window,
        maxRecords: options.sample,
        signal: interruption.signal,
        onProgress: (done, total) => progress.update(done, total),
      })
      progress.hide()
      const plan = planCapacity(loadOf(measured, options), options)
      const hot = hotPartitions(measured)
      await writeAll(
        options.json
          ? `${JSON.stringify({ measured: withTextKeys(measured), hot, ...plan })}\n`
          : `${measuredText(measured)}\n${planText(plan)}\n${partitionsText(measured, hot)}`,
      )
    })
}

/** What was given stands above what was measured: the busiest seconds, which must be borne too. */
function loadOf(measured: MeasuredLoad, { rate, recordBytes, readers }: Options): Load {
  const busiest = Math.max(
    measured.peakRecordsPerSecond,
    measured.peakBytesPerSecond / measured.recordBytes,
    measured.recordsPerSecond,
  )
  return {
    recordsPerSecond: rate ?? busiest,
    recordBytes: recordBytes ?? measured.recordBytes,
    readers,
  }
}

function measuredText(load: MeasuredLoad): string {
  return (
    `${load.topic}: ${counted(load.partitions.length, 'open partition')}, ${counted(load.records, 'record')} of the last ${duration(load.windowMs)} read\n` +
    `written: ${count(load.recordsPerSecond)} records/s, ${bytes(load.bytesPerSecond)}/s on average; ` +
    `${count(load.peakRecordsPerSecond)} records/s, ${bytes(load.peakBytesPerSecond)}/s in the busiest seconds; ${bytes(Math.round(load.recordBytes))} a record\n`
  )
}

function planText({ load, kinesis, kafka }: CapacityPlan): string {
  const { recordsPerSecond, recordBytes, readers } = load
  const { writing, writingAggregated, polling, fanOut } = kinesis
  const mib = KINESIS_LIMITS.shardReadBytesPerSecond / 2 ** 20
  const limitOf = (limit: 'records' | 'bytes'): string =>
    limit === 'records' ? '1,000 records/s a shard' : '1 MB/s a shard'
  const rows = [
    ['write, records alone', count(writing.shards), limitOf(writing.limit)],
    ['write, aggregate=true', count(writingAggregated.shards), limitOf(writingAggregated.limit)],
    [
      'read, polling',
      count(polling.shards),
      `${mib} MiB/s a shard for all readers; each may ask every ${polling.pollMs} ms`,
    ],
    [
      'read, fan-out',
      count(fanOut.shards),
      `${mib} MiB/s a shard for each of ${counted(fanOut.consumers, 'consumer')}${fanOut.withinLimit ? '' : `: more than the ${KINESIS_LIMITS.fanOutConsumers} of a stream`}`,
    ],
  ]
  return (
    `planned for ${count(recordsPerSecond)} records/s of ${bytes(Math.round(recordBytes))}, ${bytes(recordsPerSecond * recordBytes)}/s, ${counted(readers, 'reader')}\n\n` +
    `${table(['on Kinesis', 'shards', 'limit'], rows)}\n` +
    `Kafka: ${counted(kafka.partitions, 'partition')} (at ${bytes(KAFKA_ASSUMPTIONS.partitionBytesPerSecond)}/s each), ${kafka.replicas} replicas: ` +
    `brokers take ${bytes(kafka.inBytesPerSecond)}/s and give ${bytes(kafka.outBytesPerSecond)}/s, ${bytes(kafka.bytesADay)} a day on disk\n`
  )
}

function partitionsText({ partitions }: MeasuredLoad, hot: readonly HotPartition[]): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const rows = partitions.map((each) => [
    each.partition,
    percent(each.shareOfKeys),
    percent(each.shareOfLoad),
    count(each.recordsPerSecond),
    count(each.peakRecordsPerSecond),
    `${bytes(each.peakBytesPerSecond)}/s`,
    each.hotKey === undefined ? '-' : `${percent(each.hotKey.share)} ${keyText(each.hotKey.key)}`,
  ])
  const headings = ['partition', 'of keys', 'of load', 'records/s', 'peak', 'peak size', 'hot key']
  const advice = hot.map(({ partition, heat, used, cause }) => {
    const why = `${partition} is hot: ${heat.toFixed(1)} times its share of keys, ${percent(used)} of a shard's limit in its busiest second`
    return cause === 'key' ? `${why}; one key is most of it, and no split spreads that` : `${why}; split it`
  })
  return `${table(headings, rows)}${advice.length > 0 ? `\n${advice.join('\n')}\n` : ''}`
}

function withTextKeys(load: MeasuredLoad): object {
  const partitions = load.partitions.map(({ hotKey, ...rest }) => ({
    ...rest,
    ...(hotKey !== undefined && { hotKey: { key: keyText(hotKey.key), share: hotKey.share } }),
  }))
  return { ...load, partitions }
}

const keyText = (key: Uint8Array): string => Buffer.from(key).toString('utf8')

function parsePercent(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text)
  if (match === null) throw new UsageError(`"${text}" is no percentage: write 20 or 20%`)
  return Number(match[1]) / 100
}
