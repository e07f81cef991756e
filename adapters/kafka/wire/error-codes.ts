import { StreamError, type StreamErrorCode } from '../../../src/driver.ts'

/** What Kafka's error codes are called, mean, and ask for: https://kafka.apache.org/protocol#protocol_error_codes */
const CODES: Readonly<
  Record<number, readonly [name: string, code: StreamErrorCode, remedy: string, retryable?: boolean]>
> = {
  [-1]: ['UNKNOWN_SERVER_ERROR', 'INTERNAL', "look into the broker's log"],
  1: ['OFFSET_OUT_OF_RANGE', 'POSITION_EXPIRED', 'begin at another position'],
  2: ['CORRUPT_MESSAGE', 'UNAVAILABLE', 'the bytes were damaged on their way: try again'],
  3: ['UNKNOWN_TOPIC_OR_PARTITION', 'NOT_FOUND', 'create it, or look at its name'],
  5: ['LEADER_NOT_AVAILABLE', 'UNAVAILABLE', 'a leader is being elected: try again'],
  6: ['NOT_LEADER_OR_FOLLOWER', 'UNAVAILABLE', 'the leader has moved: try again'],
  7: ['REQUEST_TIMED_OUT', 'TIMEOUT', "try again, and look at the brokers' load"],
  8: ['BROKER_NOT_AVAILABLE', 'UNAVAILABLE', 'try again'],
  9: ['REPLICA_NOT_AVAILABLE', 'UNAVAILABLE', 'try again'],
  10: [
    'MESSAGE_TOO_LARGE',
    'RECORD_TOO_LARGE',
    "send less in one record, or raise the topic's max.message.bytes",
  ],
  12: ['OFFSET_METADATA_TOO_LARGE', 'RECORD_TOO_LARGE', "raise the broker's offset.metadata.max.bytes"],
  13: ['NETWORK_EXCEPTION', 'UNAVAILABLE', 'try again'],
  14: ['COORDINATOR_LOAD_IN_PROGRESS', 'UNAVAILABLE', 'the coordinator is starting: try again'],
  15: ['COORDINATOR_NOT_AVAILABLE', 'UNAVAILABLE', 'the coordinator is being elected: try again'],
  16: ['NOT_COORDINATOR', 'UNAVAILABLE', 'the coordinator has moved: try again'],
  17: ['INVALID_TOPIC_EXCEPTION', 'INVALID_ARGUMENT', 'name topics by 1 to 249 of A-Z a-z 0-9 . _ -'],
  18: ['RECORD_LIST_TOO_LARGE', 'RECORD_TOO_LARGE', "raise the topic's segment.bytes"],
  19: [
    'NOT_ENOUGH_REPLICAS',
    'UNAVAILABLE',
    'fewer replicas are in sync than min.insync.replicas: start brokers',
  ],
  20: [
    'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
    'UNAVAILABLE',
    'fewer replicas are in sync than min.insync.replicas: start brokers',
  ],
  21: ['INVALID_REQUIRED_ACKS', 'INVALID_ARGUMENT', 'use acks=all'],
  22: ['ILLEGAL_GENERATION', 'FENCED', 'the group has moved on: join again'],
  23: [
    'INCONSISTENT_GROUP_PROTOCOL',
    'INVALID_ARGUMENT',
    'other clients use this group: choose another name',
  ],
  24: ['INVALID_GROUP_ID', 'INVALID_ARGUMENT', 'give the group a name'],
  25: ['UNKNOWN_MEMBER_ID', 'FENCED', 'the member was taken for dead: join again'],
  26: [
    'INVALID_SESSION_TIMEOUT',
    'INVALID_ARGUMENT',
    "choose one between the broker's group.min and group.max.session.timeout.ms",
  ],
  27: ['REBALANCE_IN_PROGRESS', 'FENCED', 'the group is being rebalanced: join again'],
  28: ['INVALID_COMMIT_OFFSET_SIZE', 'RECORD_TOO_LARGE', 'checkpoint fewer partitions at once'],
  29: ['TOPIC_AUTHORIZATION_FAILED', 'PERMISSION_DENIED', 'grant this user the topic (ACL)'],
  30: ['GROUP_AUTHORIZATION_FAILED', 'PERMISSION_DENIED', 'grant this user the group (ACL)'],
  31: ['CLUSTER_AUTHORIZATION_FAILED', 'PERMISSION_DENIED', 'grant this user the cluster (ACL)'],
  32: [
    'INVALID_TIMESTAMP',
    'INVALID_ARGUMENT',
    "send times within the topic's message.timestamp.before/after.max.ms",
  ],
  33: ['UNSUPPORTED_SASL_MECHANISM', 'PERMISSION_DENIED', 'choose one that the broker has enabled'],
  34: ['ILLEGAL_SASL_STATE', 'UNAVAILABLE', 'try again'],
  35: ['UNSUPPORTED_VERSION', 'UNSUPPORTED', 'use Kafka 2.8 or newer'],
  36: ['TOPIC_ALREADY_EXISTS', 'ALREADY_EXISTS', 'use it, or choose another name'],
  37: ['INVALID_PARTITIONS', 'INVALID_ARGUMENT', 'give a number of partitions above what there is'],
  38: ['INVALID_REPLICATION_FACTOR', 'INVALID_ARGUMENT', 'choose one no higher than the number of brokers'],
  39: ['INVALID_REPLICA_ASSIGNMENT', 'INVALID_ARGUMENT', 'name brokers that exist'],
  40: ['INVALID_CONFIG', 'INVALID_ARGUMENT', 'see the settings that topics have'],
  41: ['NOT_CONTROLLER', 'UNAVAILABLE', 'the controller has moved: try again'],
  42: ['INVALID_REQUEST', 'INVALID_ARGUMENT', 'see what the broker says'],
  43: ['UNSUPPORTED_FOR_MESSAGE_FORMAT', 'UNSUPPORTED', "raise the topic's message format"],
  44: [
    'POLICY_VIOLATION',
    'INVALID_ARGUMENT',
    'the cluster does not allow these settings (MSK Serverless restricts them): leave them out',
  ],
  45: ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'INTERNAL', 'an earlier batch is missing: open the producer again'],
  46: ['DUPLICATE_SEQUENCE_NUMBER', 'INTERNAL', 'the batch was written before: open the producer again'],
  47: ['INVALID_PRODUCER_EPOCH', 'FENCED', 'another producer has taken over: end this one'],
  48: ['INVALID_TXN_STATE', 'FENCED', 'the transaction has ended meanwhile: begin it again'],
  49: [
    'INVALID_PRODUCER_ID_MAPPING',
    'FENCED',
    'the broker no longer knows the transactional id: open it again',
  ],
  50: [
    'INVALID_TRANSACTION_TIMEOUT',
    'INVALID_ARGUMENT',
    "choose one of at most the broker's transaction.max.timeout.ms (15 minutes by default)",
  ],
  51: [
    'CONCURRENT_TRANSACTIONS',
    'UNAVAILABLE',
    'an earlier transaction is still being completed: try again',
  ],
  52: ['TRANSACTION_COORDINATOR_FENCED', 'FENCED', 'the coordinator has moved: begin the transaction again'],
  53: [
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'PERMISSION_DENIED',
    'grant this user the transactional id (ACL)',
  ],
  54: ['SECURITY_DISABLED', 'UNSUPPORTED', 'enable an authorizer on the brokers'],
  56: ['KAFKA_STORAGE_ERROR', 'UNAVAILABLE', "look after the broker's disk; another replica may take over"],
  58: ['SASL_AUTHENTICATION_FAILED', 'PERMISSION_DENIED', 'look at user name, password or token'],
  59: ['UNKNOWN_PRODUCER_ID', 'INTERNAL', 'its records were all removed: open the producer again'],
  60: ['REASSIGNMENT_IN_PROGRESS', 'UNAVAILABLE', 'partitions are being moved: try again'],
  67: ['INVALID_PRINCIPAL_TYPE', 'PERMISSION_DENIED', 'use another principal'],
  68: ['NON_EMPTY_GROUP', 'FENCED', 'stop its members first'],
  69: ['GROUP_ID_NOT_FOUND', 'NOT_FOUND', 'look at its name'],
  70: ['FETCH_SESSION_ID_NOT_FOUND', 'UNAVAILABLE', 'try again'],
  71: ['INVALID_FETCH_SESSION_EPOCH', 'UNAVAILABLE', 'try again'],
  72: ['LISTENER_NOT_FOUND', 'UNAVAILABLE', 'give every broker the listener that this client uses'],
  73: ['TOPIC_DELETION_DISABLED', 'UNSUPPORTED', 'set delete.topic.enable on the brokers'],
  74: ['FENCED_LEADER_EPOCH', 'UNAVAILABLE', 'the leader has moved: try again'],
  75: ['UNKNOWN_LEADER_EPOCH', 'UNAVAILABLE', 'the leader has moved: try again'],
  76: ['UNSUPPORTED_COMPRESSION_TYPE', 'UNSUPPORTED', 'choose another compression'],
  78: ['OFFSET_NOT_AVAILABLE', 'UNAVAILABLE', 'the new leader is catching up: try again'],
  79: ['MEMBER_ID_REQUIRED', 'UNAVAILABLE', 'join again with the id given'],
  81: [
    'GROUP_MAX_SIZE_REACHED',
    'UNAVAILABLE',
    "raise the broker's group.max.size, or start fewer members",
    false,
  ],
  82: ['FENCED_INSTANCE_ID', 'FENCED', 'another member has the same instance id: end one of them'],
  84: ['ELECTION_NOT_NEEDED', 'UNAVAILABLE', 'try again'],
  86: ['GROUP_SUBSCRIBED_TO_TOPIC', 'FENCED', 'stop its members first'],
  87: [
    'INVALID_RECORD',
    'INVALID_ARGUMENT',
    'give records of a compacted topic keys, and times that the topic takes',
  ],
  88: ['UNSTABLE_OFFSET_COMMIT', 'UNAVAILABLE', 'a transaction is about to end: try again'],
  89: ['THROTTLING_QUOTA_EXCEEDED', 'THROTTLED', 'do less at once, or raise the quota'],
  90: [
    'PRODUCER_FENCED',
    'FENCED',
    'another producer with the same transactional id has taken over: end this one',
  ],
  100: ['UNKNOWN_TOPIC_ID', 'NOT_FOUND', 'the topic was deleted'],
  103: ['INCONSISTENT_TOPIC_ID', 'UNAVAILABLE', 'the topic was created anew: try again'],
  106: ['FETCH_SESSION_TOPIC_ID_ERROR', 'UNAVAILABLE', 'try again'],
  110: ['FENCED_MEMBER_EPOCH', 'FENCED', 'the group has moved on: join again'],
  111: ['UNRELEASED_INSTANCE_ID', 'FENCED', 'another member has the same instance id: end one of them'],
  112: ['UNSUPPORTED_ASSIGNOR', 'INVALID_ARGUMENT', "choose one of the brokers' group.consumer.assignors"],
  113: ['STALE_MEMBER_EPOCH', 'FENCED', 'the group has moved on: join again'],
  120: ['TRANSACTION_ABORTABLE', 'UNAVAILABLE', 'abort the transaction and begin it again', false],
}

/** Codes by name, where code compares them. */
export const KafkaError = {
  NONE: 0,
  UNKNOWN_SERVER_ERROR: -1,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  NOT_ENOUGH_REPLICAS: 19,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  NOT_CONTROLLER: 41,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  CONCURRENT_TRANSACTIONS: 51,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
  FETCH_SESSION_ID_NOT_FOUND: 70,
  INVALID_FETCH_SESSION_EPOCH: 71,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  FENCED_INSTANCE_ID: 82,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  FETCH_SESSION_TOPIC_ID_ERROR: 106,
  FENCED_MEMBER_EPOCH: 110,
  UNRELEASED_INSTANCE_ID: 111,
  STALE_MEMBER_EPOCH: 113,
} as const

/** After these the place asked was the wrong one: `invalidate` it, then ask again. */
const STALE: ReadonlySet<number> = new Set([3, 5, 6, 8, 9, 13, 14, 15, 16, 41, 56, 72, 74, 75, 78, 100, 103])

export const isStale = (code: number): boolean => STALE.has(code)

/** Kafka's own name for a code. */
export const nameOf = (code: number): string => CODES[code]?.[0] ?? `error ${code}`

export interface ErrorContext {
  readonly topic?: string
  readonly partition?: number | string
  /** What the broker said. */
  readonly detail?: string | null
}

/**
 * A broker's error code as a StreamError; total, the unknown is INTERNAL and not retried. `doing` begins the message:
 * "creating topic 'orders'".
 */
export function errorOf(code: number, doing: string, context: ErrorContext = {}): StreamError {
  const [name, streamCode, remedy, retryable] = CODES[code] ?? [
    `error ${code}`,
    'INTERNAL' as const,
    'this is not expected, please report it',
  ]
  const { topic, partition, detail } = context
  const said = detail ? `: ${detail.replace(/\.+$/, '')}` : ''
  return new StreamError(streamCode, `${doing}: the broker answered ${name}${said}: ${remedy}`, {
    topic,
    partition: partition === undefined ? undefined : String(partition),
    ...(retryable === undefined ? {} : { retryable }),
  })
}
