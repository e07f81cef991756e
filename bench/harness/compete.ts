import type { Case, CasePace, Contender, Latency, Round, Shape } from './contender.ts'
import { Worker, type WorkerOptions } from './worker.ts'

/** What one contender did for one shape. */
export interface Row {
  readonly shape: Shape
  readonly contender: string
  readonly durability: string | undefined
  readonly bare: boolean
  /** Records a second: the median of the rounds, and the slowest and fastest of them. */
  readonly rate: Spread
  /** The median rate over that of the reference, whose rounds lay between this one's. */
  readonly ratio: number | undefined
  readonly reference: string | undefined
  readonly cpuSecondsPerMillion: number
  readonly peakRssMiB: number
  readonly latency: Latency | undefined
  /** For a million records; undefined where none were counted. */
  readonly requestsPerMillion: number | undefined
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Pace extends CasePace, WorkerOptions {}

/** No round has more than this, so that what it writes stays far from the limits of the page cache. Bytes of values. */
const MAX_ROUND_BYTES = 2e9
const FIRST_ROUND_RECORDS = 2_000

/** Lets all contenders of one shape take turns, round by round, so that what disturbs the machine disturbs all. */
export async function compete(
  { unit, pace: own }: Pick<Case, 'unit' | 'pace'>,
  shape: Shape,
  contenders: readonly Contender[],
  options: Pace,
): Promise<Row[]> {
  const pace = { ...options, ...own }
  const workers: Worker[] = []
  try {
    const runs: { worker: Worker; records: number; rounds: Round[] }[] = []
    for (const contender of contenders) {
      const worker = await Worker.start(contender, shape, pace)
      workers.push(worker)
      runs.push({ worker, records: FIRST_ROUND_RECORDS, rounds: [] })
    }
    for (let turn = -pace.warmUps; turn < pace.rounds; turn++) {
      for (const run of runs) {
        if (!takesPart(run.worker.contender, turn)) continue
        const round = await run.worker.round(run.records)
        if (turn >= 0) run.rounds.push(round)
        else if (unit === 'records/s') run.records = nextCount(round, shape, pace.roundMs)
      }
    }
    const rows: Row[] = []
    for (const { worker, rounds } of runs) {
      const peakRssMiB = await worker.close()
      workers.splice(workers.indexOf(worker), 1)
      rows.push(rowOf(worker.contender, shape, rounds, peakRssMiB))
    }
    return rows.map((row) => withRatio(row, rows))
  } finally {
    await Promise.all(workers.map((worker) => worker.kill()))
  }
}

function takesPart({ rounds }: Contender, turn: number): boolean {
  return rounds === undefined || (turn >= 0 && turn < rounds)
}

function nextCount(round: Round, shape: Shape, roundMs: number): number {
  const wanted = (round.records * roundMs) / round.millis
  const most = MAX_ROUND_BYTES / shape.valueBytes
  const batches = Math.max(1, Math.round(Math.min(wanted, most) / shape.batch))
  return batches * shape.batch
}

function rowOf(contender: Contender, shape: Shape, rounds: readonly Round[], peakRssMiB: number): Row {
  const latencies = rounds.flatMap((round) => round.latency ?? [])
  return {
    shape,
    contender: contender.name,
    durability: contender.durability,
    bare: contender.bare ?? false,
    rate: spreadOf(rounds.map((round) => (round.records / round.millis) * 1000)),
    ratio: undefined,
    reference: contender.reference,
    cpuSecondsPerMillion: median(rounds.map((round) => (round.cpuSeconds / round.records) * 1e6)),
    peakRssMiB,
    requestsPerMillion: requestsOf(rounds),
    latency:
      latencies.length === 0
        ? undefined
        : {
            p50: median(latencies.map((latency) => latency.p50)),
            p99: median(latencies.map((latency) => latency.p99)),
          },
  }
}

function requestsOf(rounds: readonly Round[]): number | undefined {
  const counts = rounds.flatMap(({ requests, records }) =>
    requests === undefined ? [] : [(requests / records) * 1e6],
  )
  return counts.length === 0 ? undefined : median(counts)
}

function withRatio(row: Row, rows: readonly Row[]): Row {
  const reference = rows.find((other) => other.contender === row.reference)
  return reference === undefined ? row : { ...row, ratio: row.rate.median / reference.rate.median }
}

function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
