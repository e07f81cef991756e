import type { Quake } from './quakes.ts'
import type { Worker } from './worker.ts'

/** What the deliveries of the members prove or refute. */
export interface Verdict {
  readonly processed: number
  /** Ids that no member was given. */
  readonly lost: readonly string[]
  /** Given to more than one member. */
  readonly twice: number
  /** Given again although an acknowledged checkpoint covered them: forbidden. */
  readonly forbidden: readonly string[]
  /** Given to a member after a later event of the same network: forbidden. */
  readonly inversions: readonly string[]
}

/** Judges by ids alone, not by what the library says of itself. */
export function judge(
  sent: readonly Quake[],
  killed: Worker,
  survivor: Worker,
  comparePositions: (a: string, b: string) => number,
): Verdict {
  const order = new Map(sent.map(({ id }, index) => [id, index]))
  const networks = new Map(sent.map(({ id, net }) => [id, net]))
  const before = new Set(killed.deliveries.map(({ id }) => id))
  const after = new Set<string>()
  const twice = new Set<string>()
  const forbidden: string[] = []
  for (const { id, partition, position } of survivor.deliveries) {
    if (before.has(id) || after.has(id)) twice.add(id)
    after.add(id)
    const covered = killed.checkpoints.get(partition)
    if (before.has(id) && covered !== undefined && comparePositions(position, covered) < 0) forbidden.push(id)
  }
  return {
    processed: before.union(after).size,
    lost: sent.map(({ id }) => id).filter((id) => !before.has(id) && !after.has(id)),
    twice: twice.size,
    forbidden,
    inversions: [killed, survivor].flatMap((worker) => {
      const last = new Map<string, number>()
      return worker.deliveries
        .map(({ id }) => id)
        .filter((id) => {
          const network = networks.get(id)!
          const place = order.get(id)!
          const inverted = place <= (last.get(network) ?? -1)
          last.set(network, place)
          return inverted
        })
    }),
  }
}
