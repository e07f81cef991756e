import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

export interface Endpoint extends AsyncDisposable {
  /** `http://host:port`. */
  readonly url: string
  /** Of the same, by TLS. */
  readonly tlsPort: number
}

/** The endpoint that answers at once, in a process of its own. */
export async function startEndpoint(): Promise<Endpoint> {
  const child = fork(path.join(import.meta.dirname, 'endpoint.ts'))
  const [{ port, tlsPort }] = (await once(child, 'message')) as [{ port: number; tlsPort: number }]
  return {
    url: `http://127.0.0.1:${port}`,
    tlsPort,
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}
