import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis'
import { parseAddress } from '../adapters/kinesis/address.ts'
import { openWithSdk } from '../adapters/kinesis/open-kinesis.ts'
import { readerOpener } from '../adapters/kinesis/reading/open-reader.ts'
import { SERVICE_LIMITS } from '../adapters/kinesis/reading/reading-limits.ts'
import { SdkService } from '../adapters/kinesis/service/sdk-service.ts'
import { SdkCatalog } from '../adapters/kinesis/shards/sdk-catalog.ts'
import { bytes, connect, topic } from '../src/index.ts'
import { openSdk } from './kinesis/open-sdk.ts'
import { startEndpoint } from './kinesis/start-endpoint.ts'
import { streamName } from './kinesis/stream-name.ts'

const shards = 8
const aggregated = process.argv[3] === 'agg'
const total = Number(process.argv[4] ?? 1_500_000)
const S = streamName({ shards, valueBytes: 256, aggregated, tag: 'x' })
await using endpoint = await startEndpoint()
const id = (n: number) => 'shardId-' + String(n).padStart(12, '0')
let size = 0
async function bare() {
  const client = openSdk({ settings: { endpoint: endpoint.url } } as any)
  let seen = 0
  const from = performance.now()
  const cpu = process.cpuUsage()
  await Promise.all(
    Array.from({ length: shards }, async (_, n) => {
      let { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamName: S, ShardId: id(n), ShardIteratorType: 'TRIM_HORIZON' }),
      )
      while (seen < total) {
        const a = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 10_000 }))
        for (const { Data, PartitionKey } of a.Records!) {
          size += Data!.length + PartitionKey!.length
          seen++
        }
        ShardIterator = a.NextShardIterator
      }
    }),
  )
  show('bare', seen, from, cpu)
  client.destroy()
}
function show(name: string, seen: number, from: number, cpu: NodeJS.CpuUsage) {
  const s = (performance.now() - from) / 1000,
    c = process.cpuUsage(cpu)
  console.log(
    name.padEnd(10),
    Math.round(seen / s),
    '/s',
    (((c.user + c.system) / 1e6 / seen) * 1e6).toFixed(2),
    'cpu s/M',
    Math.round(process.memoryUsage().rss / 1e6),
    'MB',
  )
}
const never = new AbortController().signal
async function ours(unpaced: boolean) {
  const address = `kinesis://us-east-1?endpoint=${endpoint.url}`
  const settings = parseAddress(address)
  const connection = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }
  const service = new SdkService({ connection, endpoint: endpoint.url, requestTimeoutMs: 10_000 })
  const log = () => {}
  const kinesis = {
    address,
    settings,
    connection,
    service,
    streams: new SdkCatalog(service),
    logger: { debug: log, info: log, warn: console.log, error: console.log },
  }
  const open = readerOpener(
    unpaced
      ? { limits: { ...SERVICE_LIMITS, callsPerSecond: 1000, bytesPerSecond: Infinity } }
      : { limits: SERVICE_LIMITS },
  )
  let seen = 0
  const from = performance.now()
  const cpu = process.cpuUsage()
  await Promise.all(
    Array.from({ length: shards }, async (_, n) => {
      const reader = await open(
        kinesis,
        { topic: S, partition: id(n), start: { from: 'earliest' } },
        () => {},
      )
      while (seen < total) {
        const batch = (await reader.next({ maxBytes: 4 << 20, signal: never }))!
        for (let i = 0; i < batch.count; i++) size += batch.key(i)!.length + batch.value(i)!.length
        seen += batch.count
      }
      await reader.close()
    }),
  )
  show(unpaced ? 'unpaced' : 'paced', seen, from, cpu)
  service.close()
}
async function full() {
  const streams = await connect(`kinesis://us-east-1?endpoint=${endpoint.url}`, {
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  const t = topic(S, { value: bytes(), key: undefined as any })
  const reader = (streams as any).read(t, { from: 'earliest', fetchMaxBytes: 4 << 20 })
  let seen = 0
  const from = performance.now()
  const cpu = process.cpuUsage()
  for await (const batch of reader) {
    for (const r of batch) size += r.rawKey.length + r.rawValue.length
    seen += batch.length
    if (seen >= total) break
  }
  show('read()', seen, from, cpu)
  await streams.close()
}
const what = process.argv[2] ?? 'bare,unpaced,paced,full'
for (let round = 0; round < 2; round++)
  for (const w of what.split(',')) {
    if (w === 'bare') await bare()
    if (w === 'unpaced') await ours(true)
    if (w === 'paced') await ours(false)
    if (w === 'full') await full()
  }
