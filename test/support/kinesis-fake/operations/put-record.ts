import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { dryRun } from './dry-run.ts'
import { type Entry, entryBytes, routeEntry } from './route-entry.ts'
import { writeEntry } from './write-entry.ts'

export function putRecord(
  { service }: CallContext,
  input: StreamInput & Entry & { readonly SequenceNumberForOrdering?: string; readonly DryRun?: boolean },
): object {
  const stream = service.account.servingStream(input)
  const { all } = entryBytes(stream, input, service.settings.limits.recordSize)
  const shard = routeEntry(stream, input)
  dryRun(input)
  service.calls.add('PutRecord', stream.name, shard.id)
  return {
    ShardId: shard.id,
    SequenceNumber: writeEntry(service, stream.where, shard, input, all),
    EncryptionType: 'NONE',
  }
}
