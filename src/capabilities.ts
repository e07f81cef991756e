/** What a backend may or may not offer. What is not declared throws UNSUPPORTED. */
export type Capability =
  /** Atomic sends, and checkpoints with them. */
  | 'transactions'
  /** An acknowledged send is in the log once, whatever was retried. */
  | 'idempotence'
  /** Partitions end and have children; parents are drained first, so order per key survives a change of the count. */
  | 'lineage'
  /** The number of partitions may grow. */
  | 'addPartitions'
  /** One partition may be split, and two neighbours merged. */
  | 'splitMerge'
  /** Topics may keep only the newest record of each key. */
  | 'compaction'
  /** Records carry headers without a change to how their value is stored. */
  | 'headers'
  /** Data outlives the process that wrote it. */
  | 'durable'
  /** More than one process may use the address at once. */
  | 'multiProcess'
  /** A member may have a name that outlives its process: a restart within the session moves nothing. */
  | 'staticMembership'

export type Capabilities = ReadonlySet<Capability>

type LocalCapability =
  | 'transactions'
  | 'idempotence'
  | 'lineage'
  | 'addPartitions'
  | 'splitMerge'
  | 'compaction'

/** The capabilities that the scheme of an address promises, known to the compiler. */
export type CapabilitiesOf<Address extends string> = string extends Address
  ? never
  : Address extends `memory:${string}`
    ? LocalCapability
    : Address extends `log:${string}`
      ? LocalCapability | 'durable' | 'multiProcess'
      : Address extends `kafka:${string}` | `msk:${string}`
        ?
            | 'transactions'
            | 'idempotence'
            | 'addPartitions'
            | 'compaction'
            | 'headers'
            | 'durable'
            | 'multiProcess'
            | 'staticMembership'
        : Address extends `kinesis:${string}`
          ? 'lineage' | 'addPartitions' | 'splitMerge' | 'durable' | 'multiProcess'
          : never
