import { append } from './cases/append.ts'
import { batch } from './cases/batch.ts'
import { durable } from './cases/durable.ts'
import { each } from './cases/each.ts'
import { kafkaConsume } from './cases/kafka-consume.ts'
import { kafkaLatency } from './cases/kafka-latency.ts'
import { kafkaPartitions } from './cases/kafka-partitions.ts'
import { kafkaProduce } from './cases/kafka-produce.ts'
import { kafkaSend } from './cases/kafka-send.ts'
import { kafkaSizes } from './cases/kafka-sizes.ts'
import { kinesisAggregated } from './cases/kinesis-aggregated.ts'
import { aggregating, deaggregating } from './cases/kinesis-codec.ts'
import { kinesisFanOut } from './cases/kinesis-fan-out.ts'
import { kinesisPoll } from './cases/kinesis-poll.ts'
import { kinesisPollAggregated } from './cases/kinesis-poll-aggregated.ts'
import { kinesisProduce } from './cases/kinesis-produce.ts'
import { latency } from './cases/latency.ts'
import { read } from './cases/read.ts'
import { send } from './cases/send.ts'
import { isTarget, TARGET } from './cases/shapes.ts'
import { sustained } from './cases/sustained.ts'
import { compete, type Pace, type Row } from './harness/compete.ts'
import type { Case, Field, Shape } from './harness/contender.ts'
import { describeMachine } from './harness/machine.ts'
import { noteOf, saveCase } from './harness/save.ts'
import { tableOf } from './harness/table.ts'
import { type Broker, brokerProblem, KAFKA_IMAGE, startBroker } from './kafkajs/start-broker.ts'
import { openKinesisField } from './kinesis/open-field.ts'
import { type Options, parseOptions, USAGE } from './options.ts'

const CASES: readonly Case[] = [append, sustained, durable, send, read, batch, each, latency]
/** What `kafka` runs in their place: everybody on topics of the same settings. */
const KAFKA_CASES: readonly Case[] = [
  kafkaProduce,
  kafkaSend,
  kafkaConsume,
  kafkaLatency,
  kafkaPartitions,
  kafkaSizes,
]
/** What `kinesis` runs in their place: everybody on an endpoint that answers at once. */
const KINESIS_CASES: readonly Case[] = [
  aggregating,
  deaggregating,
  kinesisProduce,
  kinesisAggregated,
  kinesisPoll,
  kinesisPollAggregated,
  kinesisFanOut,
]

const options = parseOptions(
  process.argv.slice(2),
  [...CASES, ...KAFKA_CASES, ...KINESIS_CASES].map(({ name }) => name),
)
if (options === undefined) {
  process.stderr.write(USAGE)
  process.exitCode = 2
} else {
  await run(options)
}

async function run(options: Options): Promise<void> {
  const { who, peers } = options
  const began = new Date()
  const machine = describeMachine()
  const pace: Pace = {
    rounds: 5,
    warmUps: 3,
    roundMs: 300,
    ...(options.dir !== undefined && { base: options.dir }),
    ...(options.profile !== undefined && { profile: options.profile }),
  }
  say(`${noteOf(machine, began)}; load before: ${machine.loadBefore}`)
  await using broker = await brokerFor(options)
  await using kinesis = who === 'kinesis' ? await openKinesisField(options, say, progress) : undefined
  const field: Field = {
    log: who === 'log' || who === 'all',
    memory: who === 'memory' || who === 'all',
    peers,
    kafka: broker?.address,
    container: broker?.container,
    kinesis: kinesis?.field,
  }
  for (const measured of who === 'kafka' ? KAFKA_CASES : who === 'kinesis' ? KINESIS_CASES : CASES) {
    if (options.only.length > 0 && !options.only.includes(measured.name)) continue
    const rows: Row[] = []
    for (const shape of shapesOf(measured, options)) {
      const contenders = measured.contenders(shape, field)
      if (contenders.length === 0) continue
      progress(`${measured.name} ${shape.valueBytes} B × ${shape.batch}`)
      rows.push(...(await compete(measured, shape, contenders, pace)))
    }
    progress('')
    if (rows.length === 0) continue
    say(`\n${measured.title}\n${measured.what}\n\n${tableOf(measured, rows)}`)
    if (options.save) saveCase(measured, rows, machine, pace, began)
  }
}

function shapesOf(measured: Case, { quick, shapes }: Options): readonly Shape[] {
  if (shapes.length > 0) {
    return measured.shapes.filter(({ valueBytes, batch }) => shapes.includes(`${valueBytes}x${batch}`))
  }
  if (!quick) return measured.shapes
  const target = measured.shapes.filter(isTarget)
  if (target.length > 0) return target
  const alike = measured.shapes.filter(({ valueBytes }) => valueBytes === TARGET.valueBytes)
  // What a case shows by its sizes it shows by all of them.
  return alike.length > 0 ? alike.slice(0, 1) : measured.shapes
}

/** A broker in Docker, where one is wanted and to be had. */
async function brokerFor({ who, peers }: Options): Promise<Broker | undefined> {
  if (who !== 'kafka' && !(who === 'all' && peers)) return undefined
  const leftOut = (why: string): undefined => say(`kafkajs and its broker are left out: ${why}`) as undefined
  const problem = await brokerProblem()
  if (problem !== undefined) return leftOut(`no Docker engine answers (${problem}).`)
  progress(`starting ${KAFKA_IMAGE}`)
  try {
    return await startBroker()
  } catch (error) {
    return leftOut(`${KAFKA_IMAGE} did not start (${error instanceof Error ? error.message : error}).`)
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`)
}
