import type { BrokerMethod, Owner, Refusal } from '../broker/broker-api.ts'

/** Grows when holders and clients of different versions would no longer understand each other. */
export const PROTOCOL_VERSION = 1

/** The first frame of a client, and its answer. */
export interface Hello {
  readonly protocol: number
  readonly owner: Owner
}

export type HelloAnswer =
  | { readonly protocol: number; readonly pid: number; readonly fsync: string }
  | { readonly protocol: number; readonly error: Refusal }

/** A call; `bytes` of its request, if there are any, are the frame's payload. */
export interface CallFrame {
  readonly id: number
  readonly method: BrokerMethod
  readonly request: object
}

/** Nobody waits for that call any more. */
export interface CancelFrame {
  readonly cancel: number
}

/** The answer to a call; `bytes` of its result are the frame's payload. */
export type AnswerFrame =
  | { readonly id: number; readonly result: unknown; readonly hasBytes: boolean }
  | { readonly id: number; readonly error: Refusal }
