import { type ContainerRuntimeClient, getContainerRuntimeClient } from 'testcontainers'

type ContainerClient = ContainerRuntimeClient['container']
type Container = ReturnType<ContainerClient['getById']>

/** Apache's command line in the container of the broker at `host:port`; it reaches the broker under the same address. */
export class BrokerShell {
  readonly #client: ContainerClient
  readonly #container: Container
  readonly address: string

  private constructor(client: ContainerClient, container: Container, address: string) {
    this.#client = client
    this.#container = container
    this.address = address
  }

  static async at(address: string): Promise<BrokerShell> {
    const { container: client } = await getContainerRuntimeClient()
    const port = Number(address.split(':')[1])
    const found = (await client.list()).find(({ Ports }) =>
      Ports.some(({ PublicPort }) => PublicPort === port),
    )
    if (found === undefined) throw new Error(`no container publishes port ${port}`)
    return new BrokerShell(client, client.getById(found.Id), address)
  }

  /** Runs `/opt/kafka/bin/kafka-NAME.sh --bootstrap-server … ARGS` to its end; gives what it printed. */
  async run(name: string, ...args: readonly string[]): Promise<string> {
    const script = `/opt/kafka/bin/kafka-${name}.sh`
    return this.#exec([script, '--bootstrap-server', this.address, ...args])
  }

  /** The same, left running until `end`. */
  start(name: string, ...args: readonly string[]): void {
    void this.run(name, ...args).catch(() => {})
  }

  /** Sends SIGTERM to Java processes whose command line has `words` in it. */
  async end(words: string): Promise<void> {
    // The brackets keep the pattern from finding the shell that looks for it.
    const pattern = `[${words[0]}]${words.slice(1)}`
    const script = `for p in /proc/[0-9]*; do if tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q '${pattern}'; then kill \${p#/proc/}; fi; done`
    await this.#exec(['bash', '-c', script])
  }

  async #exec(command: string[]): Promise<string> {
    const { output } = await this.#client.exec(this.#container, command)
    return output
  }
}
