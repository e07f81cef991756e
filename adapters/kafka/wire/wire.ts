import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

/**
 * The seam between what the adapter promises and the library that reaches the brokers. Above it stand requests
 * (`protocol/`, one file each, bytes of our own) and numeric error codes; below it connections, TLS, SASL,
 * re-authentication and API versions of some library. Nothing of the library is seen above.
 */
export interface KafkaWire {
  /**
   * Sends one request and resolves with its answer, error codes and all: what they mean is the caller's to decide
   * (`errorOf`, `isStale`). Never retries. Rejects with `StreamError` alone: UNAVAILABLE (no such broker, leader or
   * coordinator, connection refused or lost: the request may or may not have been carried out), TIMEOUT (likewise),
   * PERMISSION_DENIED (credentials), NOT_FOUND (a leader's topic or partition), UNSUPPORTED (the broker does not know the
   * version), CLOSED. What it learns of lost brokers it forgets by itself (`invalidate`).
   */
  request<Request, Response>(
    to: BrokerRef,
    api: Api<Request, Response>,
    request: Request,
    options?: RequestOptions,
  ): Promise<Response>
  /** The node that `to` stands for now, asking a broker where it is not known. Rejects as `request` does. */
  nodeOf(to: BrokerRef): Promise<number>
  /** A topic's partitions, from the cache unless it is older than `maxAgeMs` (default: 5 minutes; 0 asks). Rejects NOT_FOUND. */
  topic(name: string, options?: { readonly maxAgeMs?: number }): Promise<TopicLayout>
  /** What the cache knows of a topic, at once. */
  knownTopic(name: string): TopicLayout | undefined
  /** All topics, internal ones too, asked anew. */
  topics(): Promise<readonly TopicLayout[]>
  /** The cluster's brokers, as last heard of. */
  brokers(): readonly BrokerInfo[]
  /**
   * Forgets where this is: after NOT_LEADER_OR_FOLLOWER, NOT_COORDINATOR and the like (`isStale`). Of `any`, another broker is
   * asked from now on.
   */
  invalidate(to: BrokerRef): void
  /** Ends the connections of a lane; requests on their way there reject CLOSED. The name may be used again. */
  closeLane(lane: string): void
  /** Idempotent. Requests on their way reject CLOSED; no socket or timer stays. */
  close(): Promise<void>
}

/** Who a request goes to. */
export type BrokerRef =
  | { readonly kind: 'any' }
  | { readonly kind: 'controller' }
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'leader'; readonly topic: string; readonly partition: number }
  /** The group's coordinator. */
  | { readonly kind: 'group'; readonly group: string }
  /** The transactional id's coordinator. */
  | { readonly kind: 'transaction'; readonly transactionalId: string }

export interface RequestOptions {
  /**
   * Names the connection: requests of one lane to one broker are carried out one after another, so one that waits (Fetch,
   * JoinGroup, SyncGroup) holds up its lane. Connections are made when first used, and closed by `closeLane` or `close`.
   * Default: 'main'.
   */
  readonly lane?: string
  /** Milliseconds until TIMEOUT, what the broker itself may wait included. The lane's connection is given up then. Default: 30,000. */
  readonly timeoutMs?: number
}

/** One request of the Kafka protocol in the one version that this adapter speaks, https://kafka.apache.org/protocol. */
export interface Api<Request, Response> {
  readonly name: string
  readonly key: number
  readonly version: number
  /** Whether this version has tagged fields (KIP-482), which changes both headers. */
  readonly flexible: boolean
  /** Writes the body; may be called again for a retry. */
  encode(to: WireWriter, request: Request): void
  /** Reads the body. Views into the received buffer may be kept: it is not used again. */
  decode(from: WireReader, request: Request): Response
}

export interface BrokerInfo {
  readonly node: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface TopicLayout {
  readonly name: string
  /** Hexadecimal; another one after the topic was deleted and created anew. */
  readonly id: string
  readonly internal: boolean
  /** By their number: `partitions[3].id === 3`. */
  readonly partitions: readonly PartitionLayout[]
  /** `performance.now()` when it was asked for. */
  readonly asOf: number
}

export interface PartitionLayout {
  readonly id: number
  /** Node id; -1 while there is none. */
  readonly leader: number
  /** -1 where unknown. */
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly inSync: readonly number[]
}
