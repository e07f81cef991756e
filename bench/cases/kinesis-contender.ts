import type { Contender, Field, Settings } from '../harness/contender.ts'

/** All streams have so many shards; that many suffice for no limit of a shard to be met. */
export const SHARDS = 16
/** Requests of the SDK, or calls of ours, on their way at once. */
export const IN_FLIGHT = 4
/** Java's virtual machine takes seconds to begin: so many rounds. */
export const JAVA_ROUNDS = 2

export type Make = (name: string, module: string, settings?: Settings) => Contender

/** Makes the contenders of one case, who share endpoint, stream and reference. */
export function contenders({ kinesis }: Field, reference: string, shared: Settings = {}): Make {
  const common = {
    endpoint: kinesis!.endpoint,
    shards: SHARDS,
    inFlight: IN_FLIGHT,
    calls: IN_FLIGHT,
    ...shared,
  }
  return (name, module, settings = {}) => ({
    name,
    module: `kinesis/${module}`,
    ...(name === reference ? { bare: true } : { reference }),
    ...(module.startsWith('java') && { rounds: JAVA_ROUNDS }),
    settings: { ...common, ...settings },
  })
}
