import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Driver, DriverOptions } from '../../../../../src/driver.ts'

/** Warnings and errors are part of what a test sees. */
export const options: DriverOptions = {
  logger: { debug() {}, info() {}, warn: console.warn, error: console.error },
}

/** A backend under test. */
export interface Backend {
  readonly name: 'log' | 'memory'
  /** A fresh one with those address parameters. */
  open(parameters?: string): Promise<Driver>
}

export function temporaryFolder(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-test-'))
}
