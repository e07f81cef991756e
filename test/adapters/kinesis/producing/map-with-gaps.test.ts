import { expect, test } from 'vitest'
import type { Kinesis } from '../../../../adapters/kinesis/parts.ts'
import { SendCall } from '../../../../adapters/kinesis/producing/send-call.ts'
import { StreamWriter } from '../../../../adapters/kinesis/producing/stream-writer.ts'
import { RecordEncoder } from '../../../../adapters/kinesis/records/index.ts'
import { ListedShardMap } from '../../../../adapters/kinesis/shards/shard-map.ts'
import type { Shard, StreamCatalog } from '../../../../adapters/kinesis/shards/stream-catalog.ts'
import { FakeShard, NAME } from '../reading/fake-shard.ts'
import { record } from '../support/record.ts'
import { takenByKcl } from '../support/written.ts'

test('an aggregate made by a map in which a shard is missing is acknowledged where its shards hold it', async () => {
  await using stand = await FakeShard.start({ shards: 2, parameters: 'aggregate=true&lingerMs=0' })
  const { kinesis } = stand
  const writer = new StreamWriter(
    { ...kinesis, streams: withoutSecondAtFirst(kinesis.streams) },
    NAME,
    new RecordEncoder(),
  )
  const values = Array.from({ length: 20 }, (_, i) => `key${i}`)
  const call = new SendCall(
    NAME,
    values.map((value) => record(value, value)),
  )
  writer.send(call)
  const ack = await call.result
  const places = new Map(
    takenByKcl(stand.fake, NAME).map(({ partition, position, value }) => [`${partition} ${position}`, value]),
  )
  expect(values.map((_, i) => places.get(`${ack.partition(i)} ${ack.position(i)}`))).toEqual(values)
})

/** As ListShards may tell it while a merge or a split is under way: once the second of two shards is not there. */
function withoutSecondAtFirst(streams: StreamCatalog): Kinesis['streams'] {
  let asked = 0
  return {
    shards: async (stream, options) => {
      const map = await streams.shards(stream, options)
      return asked++ === 0 ? new ListedShardMap(map, [listed(map.shards[0]!)], map.asOf) : map
    },
    known: () => undefined,
    info: (stream, options) => streams.info(stream, options),
    maxRecordBytes: (stream) => streams.maxRecordBytes(stream),
    invalidate: (stream) => streams.invalidate(stream),
    forget: (stream) => streams.forget(stream),
  }
}

const listed = ({ id, from, to, first }: Shard) => ({
  ShardId: id,
  HashKeyRange: { StartingHashKey: String(from), EndingHashKey: String(to) },
  SequenceNumberRange: { StartingSequenceNumber: first },
})
