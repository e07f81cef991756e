import { StreamError } from '../../src/driver.ts'

/** The number of a partition from its id. NOT_FOUND where it is none: Kafka's partitions are numbers from 0. */
export function partitionNumber(topic: string, partition: string): number {
  const number = /^(0|[1-9]\d{0,9})$/.test(partition) ? Number(partition) : -1
  if (number >= 0 && number < 2 ** 31) return number
  throw new StreamError(
    'NOT_FOUND',
    `topic '${topic}' has no partition '${partition}': on Kafka they are called '0', '1' and so on`,
    { topic, partition },
  )
}
