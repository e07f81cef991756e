import type {
  KinesisClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
  SubscribeToShardCommandOutput,
  SubscribeToShardInput,
} from '@aws-sdk/client-kinesis'
import type { Command } from '@smithy/types'

/** Any request of the Kinesis API, as the SDK has it. */
export type KinesisCommand<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Command<
  ServiceInputTypes,
  Input,
  ServiceOutputTypes,
  Output,
  KinesisClientResolvedConfig
>

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until TIMEOUT. Default: 10,000. */
  readonly timeoutMs?: number
}

/**
 * The Kinesis service by way of its SDK: one client for requests over kept-alive HTTP/1.1, one for subscriptions over HTTP/2
 * (HTTP/1.1 where the endpoint is plain http). Never retries: whoever asks knows whether a request may be repeated. Rejects with
 * `StreamError` alone (`classify`): THROTTLED, UNAVAILABLE, TIMEOUT, PERMISSION_DENIED, NOT_FOUND, INVALID_ARGUMENT … with the SDK's error as cause.
 */
export interface KinesisService {
  call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: KinesisCommand<Input, Output>,
    options?: CallOptions,
  ): Promise<Output>
  /** SubscribeToShard; the stream of events ends with `signal`. */
  subscribe(input: SubscribeToShardInput, signal: AbortSignal): Promise<SubscribeToShardCommandOutput>
  /** The service's clock as its answers tell it (Date headers; a second's precision). Milliseconds since the epoch. */
  now(): number
  /** Idempotent; ends requests on their way, leaves no socket or timer. */
  close(): void
}
