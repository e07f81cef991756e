/**
 * A fake of Amazon Kinesis Data Streams for what no emulator produces: throttles, partial failures, ambiguous answers, ends of
 * shards and takeovers in fan-out, trimming. It speaks AWS JSON 1.1, its CBOR form and event streams, over HTTP/1.1 and HTTP/2
 * on one port (prior knowledge; ALPN with TLS).
 *
 * Where it deviates from the service:
 * - Signatures are not verified; key ids, dates and faults set for it are.
 * - Sequence numbers have the service's length and order, not its inner layout.
 * - UpdateShardCount gives even ranges at once, by splits and merges of one moment, and may be called without end.
 * - Rates are buckets of one second, with a second's burst. Whatever the service does in bursts beyond is not there.
 * - A shard's last records and its end come in one answer (null iterator, or null continuation with ChildShards).
 * - An idle subscription gives an event each `idleEventMs`. A subscription that is taken over ends by ResourceInUseException in the stream.
 * - AUTO distribution places records by their data. On-demand streams do not scale.
 * - Tags are given with CreateStream alone, and listed. No encryption, channels, policies, metrics, warm throughput, account settings; StreamId is ignored.
 * - Texts of errors are near the service's where these are known, codes and statuses are its.
 * - `POST /fake/…` is for tests in other processes (`http/control.ts`).
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Calls } from '../aws-faults/calls.ts'
import type { Faults } from '../aws-faults/faults.ts'
import { ServiceError } from '../aws-faults/service-error.ts'
import type { Clock } from './clock.ts'
import { Control } from './http/control.ts'
import { handleRequest } from './http/handle-request.ts'
import { listen } from './http/listen.ts'
import type { KinesisEffect } from './kinesis-effect.ts'
import type { Stream } from './model/stream.ts'
import type { Subscription } from './model/subscription.ts'
import type { KinesisFakeOptions } from './options.ts'
import { Service } from './service.ts'

export interface KinesisFake {
  /** For any AWS SDK, as HTTP/1.1 or HTTP/2. */
  readonly endpoint: string
  readonly faults: Faults<KinesisEffect>
  readonly calls: Calls
  readonly clock: Clock
  /** By name, with its shards and records. Throws where there is none. */
  stream(name: string): Stream
  /** Subscriptions under way, all of a stream's or a shard's. */
  subscriptions(stream: string, shard?: string): readonly Subscription[]
  /** Retention ends for what was there before. */
  trim(stream: string, options?: TrimOptions): void
  /** All changes that are under way are done now: streams and consumers ACTIVE or gone, shards split. */
  settle(): void
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface TrimOptions {
  /** For records that arrived before then, and for shards closed before. Milliseconds. Default: all there are. */
  readonly beforeMs?: number
  /** For records alone, of this shard. Default: all shards. */
  readonly shard?: string
  /** With a shard: for the records before this number, in place of a time. */
  readonly toNumber?: string
}

export async function startKinesisFake(options: KinesisFakeOptions = {}): Promise<KinesisFake> {
  const service = new Service(options)
  const answer = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    control.meets(request) ? control.answer(request, response) : handleRequest(service, request, response)
  const server = await listen(
    options.port ?? 0,
    (request, response) => {
      response.on('error', () => {})
      answer(request, response).catch((error) => {
        // A client that breaks off in its request is not the fake's defect.
        if (request.destroyed && !request.complete) return
        console.error('kinesis-fake:', error)
        response.destroy()
      })
    },
    options.tls,
  )
  const stream = (name: string): Stream => {
    const found = service.account.streams.get(name)
    if (found === undefined)
      throw new ServiceError('ResourceNotFoundException', `the fake has no stream ${name}`)
    return found
  }
  const stop = async (): Promise<void> => {
    service.account.stop()
    await server.close()
  }
  const fake: KinesisFake = {
    endpoint: `http${options.tls === undefined ? '' : 's'}://127.0.0.1:${server.port}`,
    faults: service.faults,
    calls: service.calls,
    clock: service.clock,
    stream,
    subscriptions: (name, shard) =>
      [...stream(name).consumers.values()]
        .flatMap(({ subscriptions }) => [...subscriptions.values()])
        .filter((subscription) => shard === undefined || subscription.shard.id === shard),
    trim(name, { beforeMs = service.clock.now() + 1, shard, toNumber } = {}) {
      if (shard !== undefined && toNumber !== undefined) stream(name).shard(shard).trimTo(toNumber)
      else stream(name).trim(beforeMs, shard)
    },
    settle: () => service.account.settleNow(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
  const control = new Control(fake)
  return fake
}
