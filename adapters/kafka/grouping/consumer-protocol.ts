import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { readByTopic, writeByTopic } from '../wire/protocol/by-topic.ts'
import { WireReader } from '../wire/wire-reader.ts'
import { WireWriter } from '../wire/wire-writer.ts'

/**
 * What a member tells the leader with JoinGroup: Kafka's ConsumerProtocolSubscription, version 3, so that Apache's clients and
 * tools read it.
 */
export interface Subscription {
  readonly topics: readonly string[]
  /** What the member holds, drains or is about to begin: nobody else is given that. */
  readonly owned: readonly TopicPartition[]
  /** Under which `owned` was given; -1 where nothing was. */
  readonly generation: number
  /** What the member must not be given: a handler of it hangs there. Only leaders of this library know of it. */
  readonly refused: readonly TopicPartition[]
  /** How often a static member has come back; 0 of others. */
  readonly incarnation: number
}

const SUBSCRIPTION_VERSION = 3
const ASSIGNMENT_VERSION = 1

export function encodeSubscription(subscription: Subscription): Buffer {
  const { topics, owned, generation, refused, incarnation } = subscription
  const to = new WireWriter()
  to.int16(SUBSCRIPTION_VERSION).array(topics, (topic) => to.string(topic))
  to.bytes(encodeUserData(generation, refused, incarnation))
  writeByTopic(to, owned, ({ partition }) => to.int32(partition))
  const rack = null
  to.int32(generation).string(rack)
  return Buffer.concat(to.chunks())
}

/** Of any client. INTERNAL where it does not read. */
export function decodeSubscription(bytes: Buffer): Subscription {
  const from = new WireReader(bytes)
  const version = from.int16()
  const topics = from.array(() => from.string())
  const { refused, incarnation } = decodeUserData(from.bytes())
  const owned = version >= 1 && from.left > 0 ? readByTopic(from, () => ({ partition: from.int32() })) : []
  const generation = version >= 2 && from.left >= 4 ? from.int32() : -1
  return { topics, owned, generation, refused, incarnation }
}

/** Kafka's ConsumerProtocolAssignment. */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const to = new WireWriter()
  to.int16(ASSIGNMENT_VERSION)
  writeByTopic(to, partitions, ({ partition }) => to.int32(partition))
  to.bytes(null)
  return Buffer.concat(to.chunks())
}

/** Of any client; an empty one assigns nothing. */
export function decodeAssignment(bytes: Buffer): readonly TopicPartition[] {
  if (bytes.length < 6) return []
  const from = new WireReader(bytes)
  from.int16()
  return readByTopic(from, () => ({ partition: from.int32() }))
}

/** Apache's cooperative assignor reads the generation at the start of the user data and nothing behind it. */
function encodeUserData(generation: number, refused: readonly TopicPartition[], incarnation: number): Buffer {
  const to = new WireWriter()
  to.int32(generation)
  if (refused.length > 0 || incarnation > 0) {
    writeByTopic(to, refused, ({ partition }) => to.int32(partition))
    to.int32(incarnation)
  }
  return Buffer.concat(to.chunks())
}

function decodeUserData(bytes: Buffer | null): Pick<Subscription, 'refused' | 'incarnation'> {
  if (bytes === null || bytes.length <= 4) return { refused: [], incarnation: 0 }
  try {
    const from = new WireReader(bytes, 4)
    const refused = readByTopic(from, () => ({ partition: from.int32() }))
    return { refused, incarnation: from.left >= 4 ? from.int32() : 0 }
  } catch {
    // Of another client, which has its own meaning.
    return { refused: [], incarnation: 0 }
  }
}
