import { parseArgs } from 'node:util'

export const USAGE = `npm run bench [-- WHO] [--quick] [--only CASE] [--save] [--dir DIR] [--profile DIR]

  WHO            log, memory, kafka (all clients on a broker in Docker, cases of its own), kinesis (likewise, on an endpoint
                 of its own), or all; default: all
  --quick        only values of 256 B, in batches of 1,000, where the case has them; results are written with --save alone
  --only CASE    one case: append, sustained, durable, send, read, batch, each or latency; with kafka: kafka-produce,
                 kafka-send, kafka-consume, kafka-latency, kafka-partitions or kafka-sizes; with kinesis: kinesis-aggregate,
                 -deaggregate, -produce, -aggregated, -poll, -poll-aggregated or -fan-out; may be repeated
  --shape VxB    only values of V bytes in batches of B, as in 256x1000; may be repeated
  --save         write bench/results even with --quick, --only or --shape
  --no-peers     millrace and its limits alone
  --dir DIR      where the data go while measuring; default: the system's folder for temporary files
  --profile DIR  write a CPU profile of each process there
`

export interface Options {
  readonly who: 'log' | 'memory' | 'kafka' | 'kinesis' | 'all'
  readonly quick: boolean
  readonly only: readonly string[]
  readonly shapes: readonly string[]
  readonly save: boolean
  readonly peers: boolean
  readonly dir: string | undefined
  readonly profile: string | undefined
}

/** Undefined where the arguments make no sense; then the usage is due. */
export function parseOptions(args: readonly string[], cases: readonly string[]): Options | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      allowNegative: true,
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        shape: { type: 'string', multiple: true, default: [] },
        save: { type: 'boolean' },
        peers: { type: 'boolean', default: true },
        dir: { type: 'string' },
        profile: { type: 'string' },
      },
    })
    const who = positionals[0] ?? 'all'
    const known = ['log', 'memory', 'kafka', 'kinesis', 'all'].includes(who) && positionals.length <= 1
    if (!known || values.only.some((name) => !cases.includes(name))) return undefined
    return {
      who: who as Options['who'],
      quick: values.quick,
      only: values.only,
      shapes: values.shape,
      save: values.save ?? !(values.quick || values.only.length > 0 || values.shape.length > 0),
      peers: values.peers,
      dir: values.dir,
      profile: values.profile,
    }
  } catch {
    return undefined
  }
}
