import type { DriverTables, TableRow, TableWrite } from '../../src/driver.ts'
import type { BrokerLink } from './broker-link.ts'

/** The tables of a log, as they are lent to other adapters. */
export class LogTables implements DriverTables {
  readonly #link: BrokerLink

  constructor(link: BrokerLink) {
    this.#link = link
  }

  async listTables(): Promise<string[]> {
    return (await this.#link.listTables({})).tables
  }

  async readRows(table: string): Promise<readonly TableRow[]> {
    return (await this.#link.readRows({ table })).rows
  }

  async readRow(table: string, key: string): Promise<TableRow | undefined> {
    return (await this.#link.readRow({ table, key })).row ?? undefined
  }

  async writeRow(write: TableWrite): Promise<boolean> {
    return (await this.#link.writeRow(write)).written
  }
}
