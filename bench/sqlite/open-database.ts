import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Task } from '../harness/contender.ts'

/** A table of records in WAL mode. `synchronous`: OFF, NORMAL (syncs at checkpoints of the WAL) or FULL (each commit). */
export function openDatabase({ folder, settings }: Task): DatabaseSync {
  const database = new DatabaseSync(path.join(folder, 'records.sqlite'))
  database.exec('PRAGMA journal_mode = WAL')
  database.exec(`PRAGMA synchronous = ${settings.synchronous ?? 'NORMAL'}`)
  createTable(database)
  return database
}

export function createTable(database: DatabaseSync): void {
  database.exec('CREATE TABLE records (position INTEGER PRIMARY KEY, key BLOB, value BLOB)')
}
