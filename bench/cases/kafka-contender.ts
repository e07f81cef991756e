import type { Contender, Field, Settings } from '../harness/contender.ts'
import { SYSTEM } from './durability.ts'

/** All topics of these cases have so many partitions, on one broker. */
export const PARTITIONS = 6
/** Requests, or calls, on their way at once. */
export const IN_FLIGHT = 5
/** The start of Apache's tools costs seconds: they take part in so many rounds. */
const TOOL_ROUNDS = 2

export type Make = (name: string, module: string, settings?: Settings) => Contender

/** Makes the contenders of one case, who share broker, topics' settings and reference. */
export function contenders({ kafka, container }: Field, reference?: string): Make {
  const shared = { broker: kafka!, backend: 'kafka', partitions: PARTITIONS, inFlight: IN_FLIGHT }
  return (name, module, settings = {}) => ({
    name,
    module,
    durability: SYSTEM,
    ...(name === reference ? { bare: true } : reference !== undefined && { reference }),
    ...(module.startsWith('apache/') && { rounds: TOOL_ROUNDS }),
    settings: { ...shared, ...(container !== undefined && { container }), ...settings },
  })
}
