import type { TableRow, TableWrite } from '../../../src/driver.ts'
import type { Metadata, StoredMetadata } from './metadata.ts'

type Row = Omit<TableRow, 'key'>

/** The tables that a log lends to other adapters: small rows in the metadata, written on condition. */
export class Tables {
  readonly #metadata: Metadata
  readonly #tables = new Map<string, Map<string, Row>>()

  constructor(metadata: Metadata, stored: StoredMetadata) {
    this.#metadata = metadata
    for (const { key, value } of stored) {
      const [kind, table = '', name = ''] = key
      if (kind === 'row') this.#apply(table, name, value as Row)
    }
  }

  list(): string[] {
    return [...this.#tables.keys()].sort()
  }

  rows(table: string): TableRow[] {
    return Array.from(this.#tables.get(table) ?? [], ([key, row]) => ({ key, ...row }))
  }

  row(table: string, key: string): TableRow | undefined {
    const row = this.#tables.get(table)?.get(key)
    return row === undefined ? undefined : { key, ...row }
  }

  /** True when the row stands as asked for, so that a repeated write is no other. */
  async write({ table, key, expected, next }: TableWrite): Promise<boolean> {
    const version = this.#tables.get(table)?.get(key)?.version ?? null
    if (version !== (next?.version ?? null)) {
      if (version !== expected) return false
      this.#metadata.put([[['row', table, key], next]])
      this.#apply(table, key, next)
    }
    await this.#metadata.durable()
    return true
  }

  #apply(table: string, key: string, row: Row | null): void {
    let rows = this.#tables.get(table)
    if (row !== null) {
      if (rows === undefined) this.#tables.set(table, (rows = new Map()))
      rows.set(key, { value: row.value, version: row.version })
      return
    }
    rows?.delete(key)
    if (rows?.size === 0) this.#tables.delete(table)
  }
}
