import { StreamError } from '../../../../src/driver.ts'

/** One partition of a topic's layout, as it is stored. It is open as long as it has no children. */
export interface PartitionEntry {
  readonly id: string
  /** Its share of the 32-bit hash space, both bounds inclusive. */
  readonly from: number
  readonly to: number
  readonly parents: readonly string[]
  readonly children: readonly string[]
}

/** A topic's partitions, open and ended, and the number that the next one gets. Never changed: each change makes a new one. */
export interface PartitionLayout {
  readonly partitions: readonly PartitionEntry[]
  readonly nextId: number
}

const HASH_SPACE = 2 ** 32

/** `count` partitions that share the hash space evenly. */
export function evenLayout(count: number): PartitionLayout {
  const partitions = cut(0, HASH_SPACE - 1, count).map(({ from, to }, i) => ({
    id: String(i),
    from,
    to,
    parents: [],
    children: [],
  }))
  return { partitions, nextId: count }
}

/** Ends open partitions, the widest shares first, in as many children as it takes for `total` to be open. */
export function growLayout(layout: PartitionLayout, total: number): PartitionLayout {
  const open = layout.partitions.filter(isOpen)
  const ways = new Map(open.map((entry) => [entry, 1]))
  const share = (entry: PartitionEntry): number => (entry.to - entry.from + 1) / ways.get(entry)!
  for (let count = open.length; count < total; count++) {
    const widest = open.reduce((best, entry) => (share(entry) > share(best) ? entry : best))
    if (share(widest) < 2) throw new StreamError('INVALID_ARGUMENT', `${total} partitions: ask for fewer`)
    ways.set(widest, ways.get(widest)! + 1)
  }
  let grown = layout
  for (const [entry, pieces] of ways) if (pieces > 1) grown = splitLayout(grown, entry.id, pieces).layout
  return grown
}

/** Ends one partition in `pieces` children. INVALID_ARGUMENT where it has ended or is too narrow, NOT_FOUND where it is unknown. */
export function splitLayout(
  layout: PartitionLayout,
  id: string,
  pieces: number,
): { layout: PartitionLayout; children: string[] } {
  const parent = openPartition(layout, id)
  if (parent.to - parent.from + 1 < pieces) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `partition ${id} serves ${parent.to - parent.from + 1} hash values: too narrow to split, split another`,
      { partition: id },
    )
  }
  return replace(layout, [parent], cut(parent.from, parent.to, pieces))
}

/** Ends two open partitions in one child. INVALID_ARGUMENT where they are no neighbours. */
export function mergeLayout(
  layout: PartitionLayout,
  ids: readonly [string, string],
): { layout: PartitionLayout; children: string[] } {
  const [low, high] = ids.map((id) => openPartition(layout, id)).sort((a, b) => a.from - b.from) as [
    PartitionEntry,
    PartitionEntry,
  ]
  if (low.to + 1 !== high.from) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `partitions ${ids.join(' and ')} are no neighbours in the hash space: see hashRange in the topic's description`,
    )
  }
  return replace(layout, [low, high], [{ from: low.from, to: high.to }])
}

export function isOpen(entry: PartitionEntry): boolean {
  return entry.children.length === 0
}

function openPartition(layout: PartitionLayout, id: string): PartitionEntry {
  const entry = layout.partitions.find((partition) => partition.id === id)
  if (entry === undefined) {
    throw new StreamError('NOT_FOUND', `no partition '${id}': describe the topic for those it has`, {
      partition: id,
    })
  }
  if (!isOpen(entry)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `partition ${id} has ended, ${entry.children.join(' and ')} continue it: choose one of those`,
      { partition: id },
    )
  }
  return entry
}

function replace(
  layout: PartitionLayout,
  ended: readonly PartitionEntry[],
  ranges: readonly { from: number; to: number }[],
): { layout: PartitionLayout; children: string[] } {
  const children = ranges.map((_, i) => String(layout.nextId + i))
  const parents = ended.map((entry) => entry.id)
  const partitions = layout.partitions.map((entry) =>
    ended.includes(entry) ? { ...entry, children } : entry,
  )
  ranges.forEach((range, i) => {
    partitions.push({ id: children[i]!, ...range, parents, children: [] })
  })
  return { layout: { partitions, nextId: layout.nextId + ranges.length }, children }
}

function cut(from: number, to: number, pieces: number): { from: number; to: number }[] {
  const width = to - from + 1
  const bound = (i: number): number => from + Math.floor((width * i) / pieces)
  return Array.from({ length: pieces }, (_, i) => ({ from: bound(i), to: bound(i + 1) - 1 }))
}
