export type { Batch, ConsumedBatch } from './batch.ts'
export type { Capabilities, CapabilitiesOf, Capability } from './capabilities.ts'
export { type ConnectOptions, connect } from './connect.ts'
export type { Consumer } from './consumer/consumer.ts'
export type {
  BatchFailure,
  CheckpointStrategy,
  ConsumerOptions,
  ConsumerStats,
  HandlerContext,
  RecordOf,
  RetryOptions,
  RunOptions,
} from './consumer/options.ts'
export { deadLetter, type PoisonPolicy, park, skip, stop } from './consumer/poison-policy.ts'
export { deadLetterHeaders, type ParkingTicket, redriveHeaders } from './dead-letter-headers.ts'
export type {
  Driver,
  GroupDescription,
  PartitionDescription,
  TopicDescription,
  TopicSpec,
} from './driver.ts'
export {
  DecodeError,
  PartialFailureError,
  type RecordOutcome,
  StreamError,
  type StreamErrorCode,
} from './errors.ts'
export type { Logger } from './logger.ts'
export type { Checkpoint, From, Lag, Position, Until } from './position.ts'
export type {
  Producer,
  ProducerOptions,
  RecordOptions,
  Sender,
  SendResult,
  SendResults,
} from './producer/producer.ts'
export type { Reader, ReadOptions } from './reader/reader.ts'
export type { Header, HeadersInit, NewRecord, StreamRecord } from './record.ts'
export { bytes } from './serde/bytes.ts'
export { json } from './serde/json.ts'
export type { Serde } from './serde/serde.ts'
export { string } from './serde/string.ts'
export type { Admin, Groups, Streams, Transaction, TransactionOptions } from './streams.ts'
export { type AnyTopic, type Topic, type TopicLike, topic } from './topic.ts'
