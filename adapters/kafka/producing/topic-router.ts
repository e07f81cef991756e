import { type EncodedRecord, StreamError } from '../../../src/driver.ts'
import { encodedSize, HEADER_BYTES } from '../../../src/formats/record-batch/index.ts'
import { RECORD_OVERHEAD_BYTES, type TopicSettings } from '../admin/topic-settings.ts'
import { partitionNumber } from '../partition-number.ts'
import type { TopicLayout } from '../wire/wire.ts'
import { type LaneSettings, PartitionLane, type Piece } from './partition-lane.ts'
import type { Partitioner } from './partitioner.ts'
import type { SendCall } from './send-call.ts'

/** After so much, records without a key go on to another partition. */
const STICKY_BYTES = 256 * 1024

interface Draft {
  readonly part: number
  readonly indexes: number[]
  bytes: number
}

/** A topic as a producer sees it: its partitions' lanes, and which of them a record belongs to. */
export class TopicRouter {
  readonly layout: TopicLayout
  readonly settings: TopicSettings
  readonly laneSettings: LaneSettings
  readonly #lanes: readonly PartitionLane[]
  readonly #partitioner: Partitioner
  #sticky = 0
  #stuckBytes = 0

  /** `before` is the router it replaces: lanes go on where the topic is the same. */
  constructor(
    layout: TopicLayout,
    settings: TopicSettings,
    laneSettings: LaneSettings,
    partitioner: Partitioner,
    before: TopicRouter | undefined,
  ) {
    const lanes = before?.layout.id === layout.id ? before.#lanes : []
    this.layout = layout
    this.settings = settings
    this.laneSettings = laneSettings
    this.#partitioner = partitioner
    this.#lanes = layout.partitions.map(({ id }) => lanes[id] ?? new PartitionLane(layout.name, id))
    this.#sticky = Math.floor(Math.random() * this.#lanes.length)
  }

  get lanes(): readonly PartitionLane[] {
    return this.#lanes
  }

  /** Why a call cannot be sent, if it cannot. Nothing of it may have been sent. */
  check({ records }: SendCall): StreamError | undefined {
    const topic = this.layout.name
    const limit = this.settings.maxMessageBytes - RECORD_OVERHEAD_BYTES
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      const size = recordBytes(record)
      // The second is for records of very many headers, each of which takes some bytes more than its name and value.
      if (size > limit || encodedSize(record) + HEADER_BYTES > this.settings.maxMessageBytes) {
        return new StreamError(
          'RECORD_TOO_LARGE',
          `record ${i} of the call has ${size} bytes of key, value and headers, topic '${topic}' takes ${limit}: ` +
            'send less in one record, or create the topic with a larger maxRecordBytes (max.message.bytes)',
          { topic },
        )
      }
      const { timestamp } = record
      if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && timestamp >= 0)) {
        return new StreamError(
          'INVALID_ARGUMENT',
          `record ${i} of the call has the timestamp ${timestamp}: give whole milliseconds since 1970`,
          { topic },
        )
      }
    }
    return undefined
  }

  /** Whether every partition that a record names is there. */
  knows({ records }: SendCall): boolean {
    const { length } = this.#lanes
    return records.every(({ partition }) => partition === undefined || Number(partition) < length)
  }

  /** Hands the records to their lanes, and each lane that has got some to `touched`. */
  route(call: SendCall, touched: (lane: PartitionLane) => void): void {
    const { records, partOf } = call
    const { maxBatchBytes } = this.laneSettings
    const lanes = this.#lanes
    const drafts = new Map<PartitionLane, Draft>()
    const close = (lane: PartitionLane, { part, indexes, bytes }: Draft): void => {
      const piece: Piece = { call, part, indexes, bytes: bytes + HEADER_BYTES, alone: false }
      lane.add(piece)
      touched(lane)
    }
    let missing: { part: number; error: StreamError }[] | undefined
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      const { key, partition } = record
      const size = encodedSize(record)
      let lane: PartitionLane | undefined
      if (partition !== undefined) lane = this.#named(partition)
      else if (key === null) lane = this.#nextSticky(size)
      else lane = lanes[this.#partitioner(key, lanes.length)]
      if (lane === undefined) {
        const part = call.addPart(-1)
        call.parts[part]!.count = 1
        partOf[i] = part
        missing ??= []
        missing.push({ part, error: this.#missing(partition!) })
        continue
      }
      let draft = drafts.get(lane)
      if (draft !== undefined && draft.bytes + size > maxBatchBytes - HEADER_BYTES) {
        close(lane, draft)
        draft = undefined
      }
      if (draft === undefined) {
        draft = { part: call.addPart(lane.partition), indexes: [], bytes: 0 }
        drafts.set(lane, draft)
      }
      draft.indexes.push(i)
      draft.bytes += size
      call.parts[draft.part]!.count++
      partOf[i] = draft.part
    }
    for (const [lane, draft] of drafts) close(lane, draft)
    // Last, as this may settle the call.
    if (missing !== undefined) for (const { part, error } of missing) call.fail(part, error)
  }

  #named(partition: string): PartitionLane | undefined {
    try {
      return this.#lanes[partitionNumber(this.layout.name, partition)]
    } catch {
      return undefined
    }
  }

  /** The partition for records without a key: the same for a while, so that batches are large, then the idlest. */
  #nextSticky(size: number): PartitionLane {
    const lanes = this.#lanes
    this.#stuckBytes -= size
    if (this.#stuckBytes >= 0) return lanes[this.#sticky]!
    this.#stuckBytes = STICKY_BYTES
    let best = -1
    for (let i = 1; i <= lanes.length; i++) {
      const at = (this.#sticky + i) % lanes.length
      // One without a leader would hold its records up.
      if (this.layout.partitions[at]!.leader < 0) continue
      if (best < 0 || load(lanes[at]!) < load(lanes[best]!)) best = at
    }
    this.#sticky = best < 0 ? (this.#sticky + 1) % lanes.length : best
    return lanes[this.#sticky]!
  }

  #missing(partition: string): StreamError {
    const topic = this.layout.name
    return new StreamError(
      'NOT_FOUND',
      `topic '${topic}' has no partition '${partition}': describe it for those it has, or let the key decide`,
      { topic, partition },
    )
  }
}

const load = (lane: PartitionLane): number => lane.queuedBytes + (lane.isIdle ? 0 : 1)

function recordBytes({ key, value, headers }: EncodedRecord): number {
  let size = (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
  for (const header of headers) {
    size += Buffer.byteLength(header.name) + (header.value === null ? 0 : header.value.length)
  }
  return size
}
