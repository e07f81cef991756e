import type { WireReader } from '../wire-reader.ts'
import type { WireWriter } from '../wire-writer.ts'

/** Most requests speak of partitions within topics; above the wire they are flat lists. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Writes partitions grouped by topic; `write` begins with the partition's number. */
export function writeByTopic<T extends TopicPartition>(
  to: WireWriter,
  items: readonly T[],
  write: (item: T) => void,
): void {
  to.array(grouped(items), ([topic, partitions]) => to.string(topic).array(partitions, write))
}

export function readByTopic<T extends object>(
  from: WireReader,
  read: (topic: string) => T & { readonly partition: number },
): (T & TopicPartition)[] {
  return from
    .array(() => {
      const topic = from.string()
      return from.array(() => ({ topic, ...read(topic) }))
    })
    .flat()
}

/** As `writeByTopic` in versions with tagged fields. */
export function writeByTopicCompact<T extends TopicPartition>(
  to: WireWriter,
  items: readonly T[] | null,
  write: (item: T) => void,
): void {
  to.compactArray(items === null ? null : grouped(items), ([topic, partitions]) =>
    to.compactString(topic).compactArray(partitions, write).tags(),
  )
}

export function readByTopicCompact<T extends object>(
  from: WireReader,
  read: (topic: string) => T & { readonly partition: number },
): (T & TopicPartition)[] {
  return from
    .compactArray(() => {
      const topic = from.compactString()
      const partitions = from.compactArray(() => {
        const item = { topic, ...read(topic) }
        from.tags()
        return item
      })
      from.tags()
      return partitions
    })
    .flat()
}

function grouped<T extends TopicPartition>(items: readonly T[]): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.topic)
    if (group === undefined) groups.set(item.topic, [item])
    else group.push(item)
  }
  return [...groups]
}
