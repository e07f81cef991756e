import { ServiceError } from '../../aws-faults/service-error.ts'
import { readIterator, writeIterator } from '../model/shard-iterator.ts'
import type { CallContext } from '../service.ts'
import { dryRun } from './dry-run.ts'
import { inRange, required } from './required.ts'

export function getRecords(
  { service, faults }: CallContext,
  input: { readonly ShardIterator?: string; readonly Limit?: number; readonly DryRun?: boolean },
): object {
  required(input, 'ShardIterator')
  const { limits, iteratorLifeMs } = service.settings
  inRange('Limit', input.Limit, 1, limits.recordsPerGet)
  const iterator = readIterator(input.ShardIterator!)
  const nowMs = service.clock.now()
  const stream = service.account.servingStream({ StreamName: iterator.stream })
  if (stream.createdMs !== iterator.createdMs) {
    throw new ServiceError('ResourceNotFoundException', `The iterator is of an earlier ${stream.where}.`)
  }
  stream.expire(nowMs)
  const shard = stream.shard(iterator.shard)
  if (nowMs - iterator.issuedMs > iteratorLifeMs) {
    throw new ServiceError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${new Date(iterator.issuedMs).toUTCString()} while right now it is ${new Date(nowMs).toUTCString()} which is further in the future than the tolerated delay of ${iteratorLifeMs} milliseconds.`,
    )
  }
  dryRun(input)
  if (!shard.readCalls.take(1) || shard.readBytes.waitMs() > 0) {
    throw new ServiceError(
      'ProvisionedThroughputExceededException',
      `Rate exceeded for shard ${shard.id} in ${stream.where}.`,
    )
  }
  const findsNothing = faults.some(({ effect }) => effect.kind === 'empty')
  const limit = findsNothing ? 0 : (input.Limit ?? limits.recordsPerGet)
  const records = shard.read(iterator.place, limit, limits.bytesPerGet)
  const bytes = records.reduce((sum, record) => sum + record.bytes, 0)
  const place = (records.at(-1)?.place ?? iterator.place - 1) + 1
  const more = shard.hasMore(place)
  const full = more && records.length < limit
  shard.readBytes.charge(full ? Math.max(bytes, 6 * limits.shardReadBytes) : bytes)
  const atEnd = shard.closedMs !== undefined && !more
  return {
    Records: records.map(({ wire }) => wire),
    NextShardIterator: atEnd ? null : writeIterator({ ...iterator, place, issuedMs: nowMs }),
    MillisBehindLatest: shard.millisBehind(place, nowMs),
    ...(atEnd && { ChildShards: shard.describeChildren() }),
  }
}
