import { createHash } from 'node:crypto'
import protobuf from 'protobufjs'

const { root } = protobuf.parse(
  `syntax = "proto2";
  message AggregatedRecord {
    repeated string partition_key_table = 1;
    repeated string explicit_hash_key_table = 2;
    repeated Record records = 3;
  }
  message Tag { required string key = 1; optional string value = 2; }
  message Record {
    required uint64 partition_key_index = 1;
    optional uint64 explicit_hash_key_index = 2;
    required bytes data = 3;
    repeated Tag tags = 4;
  }`,
  { keepCase: true },
)
const AggregatedRecord = root.lookupType('AggregatedRecord')

export interface KplTag {
  readonly key: string
  readonly value?: string
}

export interface KplRecord {
  readonly partition_key_index: number
  readonly explicit_hash_key_index?: number | undefined
  readonly data: Uint8Array
  readonly tags?: readonly KplTag[]
}

/** KPL's message, as its `messages.proto` has it. */
export interface KplMessage {
  readonly partition_key_table: readonly string[]
  readonly explicit_hash_key_table?: readonly string[]
  readonly records: readonly KplRecord[]
}

/** An aggregate by a protobuf library: what ours is held against. */
export function encodeKpl(message: KplMessage): Buffer {
  return frame(AggregatedRecord.encode(AggregatedRecord.fromObject(message)).finish())
}

export function decodeKpl(aggregate: Uint8Array): KplMessage {
  const message = AggregatedRecord.decode(aggregate.subarray(4, -16))
  return AggregatedRecord.toObject(message, { longs: Number }) as KplMessage
}

/** Puts KPL's magic before a message and its MD5 behind it. */
export function frame(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, createHash('md5').update(message).digest()])
}
