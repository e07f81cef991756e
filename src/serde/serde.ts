/** Turns values into bytes and back. `decode` may throw anything; the consumer reports it as `DecodeError`. */
export interface Serde<T> {
  /** For error messages: `json`, `string`, `bytes`. */
  readonly name: string
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}
