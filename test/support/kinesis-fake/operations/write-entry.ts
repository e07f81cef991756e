import { ServiceError } from '../../aws-faults/service-error.ts'
import type { Shard } from '../model/shard.ts'
import type { Service } from '../service.ts'
import type { Entry } from './route-entry.ts'

/** Throws ProvisionedThroughputExceededException where the shard has taken its share of this second. */
export function writeEntry(
  service: Service,
  where: string,
  shard: Shard,
  entry: Entry,
  bytes: number,
): string {
  if (!shard.writeRecords.has(1) || !shard.writeBytes.take(bytes)) {
    throw new ServiceError(
      'ProvisionedThroughputExceededException',
      `Rate exceeded for shard ${shard.id} in ${where}.`,
    )
  }
  shard.writeRecords.take(1)
  return shard.append(entry.Data!, bytes, entry.PartitionKey, service.clock.now())
}
