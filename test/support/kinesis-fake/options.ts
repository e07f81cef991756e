import type { Tls } from './http/listen.ts'
import { type Limits, noLimits, serviceLimits } from './limits.ts'

export interface KinesisFakeOptions {
  /** Default: 0, a free one. */
  readonly port?: number
  /** With it the endpoint is https, and HTTP/2 is agreed upon by ALPN, as with the service. Default: plain http. */
  readonly tls?: Tls
  /** Default: us-east-1. */
  readonly region?: string
  /** Default: 000000000000. */
  readonly accountId?: string
  /**
   * Milliseconds until a stream or consumer is ACTIVE after it was made or changed, and gone after it was deleted;
   * Infinity: until `settle` is called. Default: 10.
   */
  readonly settleMs?: number
  /** The service's, all but `off` (sizes of requests stay), or some set otherwise. Default: the service's. */
  readonly limits?: 'service' | 'off' | Partial<Limits>
  /** Milliseconds. Default: 300,000. */
  readonly iteratorLifeMs?: number
  /** Milliseconds after which a subscription ends. Default: 300,000. */
  readonly subscriptionLifeMs?: number
  /** Milliseconds between the events of a subscription that has nothing to give. Default: 5,000. */
  readonly idleEventMs?: number
  /** Of faults by rate and of the gaps between sequence numbers. Default: 1. */
  readonly seed?: number
  /** Access key ids that are known. Default: all. */
  readonly accessKeyIds?: readonly string[]
  /** Milliseconds that a request's X-Amz-Date may differ from the service's clock. Default: 300,000. */
  readonly clockSkewMs?: number
  /** Newest records kept a shard, for measurements that would fill the memory. Default: Infinity. */
  readonly keepRecords?: number
}

/** The options with all defaults in. */
export interface Settings {
  readonly region: string
  readonly accountId: string
  readonly settleMs: number
  readonly limits: Limits
  readonly iteratorLifeMs: number
  readonly subscriptionLifeMs: number
  readonly idleEventMs: number
  readonly accessKeyIds: ReadonlySet<string> | undefined
  readonly clockSkewMs: number
  readonly keepRecords: number
}

export const settingsOf = (options: KinesisFakeOptions): Settings => ({
  region: options.region ?? 'us-east-1',
  accountId: options.accountId ?? '000000000000',
  settleMs: options.settleMs ?? 10,
  limits: limitsOf(options.limits ?? 'service'),
  iteratorLifeMs: options.iteratorLifeMs ?? 300_000,
  subscriptionLifeMs: options.subscriptionLifeMs ?? 300_000,
  idleEventMs: options.idleEventMs ?? 5_000,
  accessKeyIds: options.accessKeyIds && new Set(options.accessKeyIds),
  clockSkewMs: options.clockSkewMs ?? 300_000,
  keepRecords: options.keepRecords ?? Infinity,
})

function limitsOf(limits: 'service' | 'off' | Partial<Limits>): Limits {
  if (limits === 'service') return serviceLimits
  if (limits === 'off') return noLimits
  return { ...serviceLimits, ...limits, calls: { ...serviceLimits.calls, ...limits.calls } }
}
