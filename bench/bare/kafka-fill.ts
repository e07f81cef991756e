import { batchesOf, valuesOf } from '../harness/records.ts'
import { pump } from './kafka-pump.ts'
import { KafkaRequests } from './kafka-requests.ts'

const IN_FLIGHT = 5

/** Batch after batch, partitions in turn, on one connection: what every reading contender has before it, batches of the same size. */
export async function produceAll(
  broker: string,
  topic: string,
  records: number,
  { valueBytes, batch, partitions }: { valueBytes: number; batch: number; partitions: number },
): Promise<void> {
  const requests = new KafkaRequests(topic)
  const batches = batchesOf(valuesOf(valueBytes), batch)
  const total = Math.ceil(records / batch)
  const again: number[] = []
  let next = 0
  let answered = 0
  await pump(
    broker,
    IN_FLIGHT,
    () => {
      const n = again.pop() ?? next++
      return n < total ? requests.produce(n, n % partitions, batches[n % batches.length]!) : undefined
    },
    (answer) => {
      if (requests.produced(answer)) answered++
      else again.push(requests.idOf(answer))
      return answered === total
    },
  )
}
