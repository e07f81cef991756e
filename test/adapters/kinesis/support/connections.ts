import { quiet } from '../../../conformance/connection.ts'
import type { Backend } from '../../../conformance/index.ts'
import { openWithTables } from './open-with-tables.ts'

const module = new URL('./open-with-tables.ts', import.meta.url).href

/** How the suite and its child processes connect. */
export function connections(
  parameters: Readonly<Record<string, string>>,
): Pick<Backend, 'openDriver' | 'child'> {
  const address = `kinesis://us-east-1?${new URLSearchParams(parameters)}`
  return {
    openDriver: () => openWithTables(address, { logger: quiet }),
    child: { module, factory: 'openWithTables', address },
  }
}
