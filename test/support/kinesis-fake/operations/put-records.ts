import { ServiceError } from '../../aws-faults/service-error.ts'
import type { StreamInput } from '../model/account.ts'
import type { CallContext, Service } from '../service.ts'
import { dryRun } from './dry-run.ts'
import { inRange, required } from './required.ts'
import { type Entry, entryBytes, routeEntry } from './route-entry.ts'
import { writeEntry } from './write-entry.ts'

/** Entries are written each for itself, in their order unless a fault says otherwise: one that fails stops none behind it. */
export function putRecords(
  { service, faults }: CallContext,
  input: StreamInput & { readonly Records?: readonly Entry[]; readonly DryRun?: boolean },
): object {
  required(input, 'Records')
  const entries = input.Records!
  const { limits } = service.settings
  inRange('Records', entries.length, 1, limits.recordsPerPut)
  const stream = service.account.servingStream(input)
  const sizes = entries.map((entry) => entryBytes(stream, entry, limits.recordSize).all)
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) > limits.bytesPerPut) {
    throw new ServiceError('InvalidArgumentException', 'Records size exceeds 10 MB limit')
  }
  const shards = entries.map((entry) => routeEntry(stream, entry))
  dryRun(input)
  for (const shard of new Set(shards)) service.calls.add('PutRecords', stream.name, shard.id)
  const failing = faults.find(({ effect }) => effect.kind === 'entries')
  let FailedRecordCount = 0
  const Records: object[] = new Array(entries.length)
  for (const i of orderOf(entries.length, service, faults)) {
    const shard = shards[i]!
    try {
      if (failing !== undefined && (failing.shard ?? shard.id) === shard.id) {
        failEntry(service, failing.effect, i, shard.id, stream.where)
      }
      Records[i] = {
        SequenceNumber: writeEntry(service, stream.where, shard, entries[i]!, sizes[i]!),
        ShardId: shard.id,
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      FailedRecordCount++
      Records[i] = { ErrorCode: error.code, ErrorMessage: error.message }
    }
  }
  return { FailedRecordCount, Records, EncryptionType: 'NONE' }
}

function orderOf(length: number, { random }: Service, faults: CallContext['faults']): Iterable<number> {
  const order = Array.from({ length }, (_, i) => i)
  if (faults.some(({ effect }) => effect.kind === 'shuffle')) {
    for (let i = length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[order[i], order[j]] = [order[j]!, order[i]!]
    }
  }
  return order
}

function failEntry(
  { random }: Service,
  effect: CallContext['faults'][number]['effect'],
  index: number,
  shard: string,
  where: string,
): void {
  if (effect.kind !== 'entries') return
  const { code, which } = effect
  const fails = which === 'all' || ('share' in which ? random() < which.share : which.includes(index))
  if (!fails) return
  throw code === 'InternalFailure'
    ? new ServiceError(code, 'Internal service failure.')
    : new ServiceError(code, `Rate exceeded for shard ${shard} in ${where}.`)
}
