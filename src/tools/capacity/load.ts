/** What a topic is to carry. */
export interface Load {
  readonly recordsPerSecond: number
  /** Bytes of key and value, on average. */
  readonly recordBytes: number
  /** How many applications read all of it, each on its own. */
  readonly readers: number
}
