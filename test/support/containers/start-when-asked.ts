import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { removeLeftovers } from './remove-leftovers.ts'

export interface Startable {
  /** What a process that asks is told. */
  readonly address: string
  stop(): Promise<void>
}

export interface StarterOptions {
  /** By which leftovers of killed runs are found; its value is the id of the run's process. */
  readonly label: string
  start(): Promise<Startable>
  /** Takes the URL that answers with the address, starting the container when it is first asked. */
  provide(url: string): void
}

/**
 * One container a run, shared by all files and started by the first that needs it. Test files are processes of their own, so
 * they ask the runner's. Gives what ends it.
 */
export async function startWhenAsked(options: StarterOptions): Promise<() => Promise<void>> {
  let started: Promise<Startable> | undefined
  const start = async (): Promise<Startable> => {
    await removeLeftovers(options.label)
    return options.start()
  }
  const server = createServer((_, response) => {
    started ??= start()
    started.then(
      ({ address }) => response.end(address),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  options.provide(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    await started?.then((container) => container.stop()).catch(() => {})
  }
}
