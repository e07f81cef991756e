import { randomUUID } from 'node:crypto'
import type { DriverTables, From, TableRow } from '../../../../src/driver.ts'
import { formatCheckpoint, parseCheckpoint } from '../../positions.ts'
import type { Lease } from '../lease.ts'
import { applyChange, meets } from './apply-change.ts'
import type { LeaseChange, LeaseCondition, LeaseTable, Updated } from './lease-table.ts'

interface StoredLease extends Omit<Lease, 'checkpoint' | 'state' | 'firstSight'> {
  readonly checkpoint: string
  /** Base64. */
  readonly state: string | null
  readonly firstSight?: From
}

/** A lease table in one that another backend lends: no AWS is needed for it. */
export class EmbeddedTable implements LeaseTable {
  readonly name: string
  readonly #tables: () => Promise<DriverTables>
  readonly #table: string

  constructor(tables: () => Promise<DriverTables>, table: string, name: string) {
    this.#tables = tables
    this.#table = table
    this.name = name
  }

  async prepare(): Promise<void> {
    await this.#tables()
  }

  async list(): Promise<Lease[]> {
    const rows = await (await this.#tables()).readRows(this.#table)
    return rows.map(({ value }) => decode(value))
  }

  async get(key: string): Promise<Lease | undefined> {
    const row = await this.#row(key)
    return row && decode(row.value)
  }

  create(lease: Lease): Promise<boolean> {
    return this.#write(lease.key, null, lease)
  }

  async update({ key }: Lease, condition: LeaseCondition, change: LeaseChange): Promise<Updated> {
    let changed: Lease | undefined
    const found = await this.#change(key, (lease) => {
      changed = meets(lease, condition) ? applyChange(lease, change) : undefined
      return changed
    })
    return changed === undefined ? { done: false, lease: found } : { done: true, lease: changed }
  }

  async announce(key: string, member: string, text: string | null): Promise<void> {
    await this.#change(key, (lease) => {
      const { [member]: _, ...others } = lease.idle
      return { ...lease, idle: text === null ? others : { ...others, [member]: text } }
    })
  }

  async delete(key: string, condition: { readonly counter?: number } = {}): Promise<void> {
    await this.#change(key, (lease) => (meets(lease, condition) ? null : undefined))
  }

  async destroy(): Promise<void> {
    for (const { key } of await this.list()) await this.delete(key)
  }

  async #row(key: string): Promise<TableRow | undefined> {
    return (await this.#tables()).readRow(this.#table, key)
  }

  /** As often as another was faster. `make`: null removes the row, undefined leaves it. Resolves with what it was made of. */
  async #change(key: string, make: (lease: Lease) => Lease | null | undefined): Promise<Lease | undefined> {
    while (true) {
      const row = await this.#row(key)
      if (row === undefined) return undefined
      const lease = decode(row.value)
      const next = make(lease)
      if (next === undefined || (await this.#write(key, row.version, next))) return lease
    }
  }

  async #write(key: string, expected: string | null, lease: Lease | null): Promise<boolean> {
    const next = lease === null ? null : { value: encode(lease), version: randomUUID() }
    return (await this.#tables()).writeRow({ table: this.#table, key, expected, next })
  }
}

function encode({ checkpoint, state, firstSight, ...lease }: Lease): string {
  const stored: StoredLease = {
    ...lease,
    checkpoint: formatCheckpoint(checkpoint),
    state: state === null ? null : Buffer.from(state).toString('base64'),
    ...(firstSight === undefined ? {} : { firstSight }),
  }
  return JSON.stringify(stored)
}

function decode(value: string): Lease {
  const stored = JSON.parse(value) as StoredLease
  return {
    key: stored.key,
    shard: stored.shard,
    stream: stored.stream,
    owner: stored.owner,
    checkpointOwner: stored.checkpointOwner,
    counter: stored.counter,
    switches: stored.switches,
    parents: stored.parents,
    children: stored.children,
    hashRange: stored.hashRange,
    sessionMs: stored.sessionMs,
    group: stored.group,
    idle: stored.idle,
    firstSight: stored.firstSight,
    checkpoint: parseCheckpoint(stored.checkpoint),
    state: stored.state === null ? null : Buffer.from(stored.state, 'base64'),
  }
}
