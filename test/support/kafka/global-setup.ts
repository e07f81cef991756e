import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getContainerRuntimeClient } from 'testcontainers'
import type { TestProject } from 'vitest/node'
import { type Broker, KAFKA_LABEL, startBroker } from './start-broker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A URL that answers with the address of the run's broker, starting it when it is first asked. */
    kafkaStarter: string
  }
}

/**
 * One broker a run, shared by all files and started by the first that needs it (`sharedBroker`). Test files are processes of
 * their own, so they ask the runner's.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let broker: Promise<Broker> | undefined
  const start = async (): Promise<Broker> => {
    await removeLeftovers()
    // Of members of KIP-848 the broker says it: longer than any pause of a busy machine, as with the others (`TestMember`).
    return startBroker({ environment: { KAFKA_GROUP_CONSUMER_SESSION_TIMEOUT_MS: '4000' } })
  }
  const server = createServer((_, response) => {
    broker ??= start()
    broker.then(
      ({ address }) => response.end(address),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  project.provide('kafkaStarter', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    await broker?.then((started) => started.stop()).catch(() => {})
  }
}

/** Ends containers whose run is gone. */
async function removeLeftovers(): Promise<void> {
  const { container } = await getContainerRuntimeClient()
  for (const info of await container.list()) {
    const run = info.Labels[KAFKA_LABEL]
    if (run === undefined || isRunning(Number(run))) continue
    await container.remove(container.getById(info.Id), { removeVolumes: true }).catch(() => {})
  }
}

function isRunning(process_: number): boolean {
  try {
    process.kill(process_, 0)
    return true
  } catch {
    return false
  }
}
