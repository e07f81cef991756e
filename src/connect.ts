import type { Capability, CapabilitiesOf } from './capabilities.ts'
import type { Driver } from './driver.ts'
import type { Logger } from './logger.ts'
import type { Streams } from './streams.ts'

export interface ConnectOptions<Required extends Capability = never> {
  /** Checked at once: UNSUPPORTED when the backend lacks one. Types what the address alone does not tell. */
  readonly require?: readonly Required[]
  readonly credentials?: unknown
  readonly tls?: unknown
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger
}

/**
 * Opens a backend by its address (`log:DIR`, `memory:`, `kafka://…`, `msk://…`, `kinesis://…`) or anyone's driver.
 * Errors: INVALID_ARGUMENT (address), UNAVAILABLE, PERMISSION_DENIED, UNSUPPORTED.
 */
export declare function connect<const A extends string | Driver, Required extends Capability = never>(
  to: A,
  options?: ConnectOptions<Required>,
): Promise<Streams<Required | (A extends string ? CapabilitiesOf<A> : never)>>
