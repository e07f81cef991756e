import { Consumer, Producer } from '@platformatic/kafka'
import type { Task } from '../harness/contender.ts'

type Bytes = Buffer

export const ACKS_ALL = -1

function common({ settings }: Task): { clientId: string; bootstrapBrokers: string[] } {
  return { clientId: 'bench', bootstrapBrokers: [String(settings.broker)] }
}

/** Keys and values as bytes: nothing is serialised. */
export function openProducer(task: Task): Producer<Bytes, Bytes, Bytes, Bytes> {
  return new Producer({ ...common(task), acks: ACKS_ALL })
}

/** A new group that commits each second, as far as it has handed out. */
export function openConsumer(
  task: Task,
  more: { maxWaitTime?: number } = {},
): Consumer<Bytes, Bytes, Bytes, Bytes> {
  return new Consumer({
    ...common(task),
    ...more,
    groupId: `bench-${process.pid}-${process.hrtime.bigint()}`,
    autocommit: 1_000,
  })
}
