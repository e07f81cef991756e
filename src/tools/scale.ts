import { type PartitionDescription, StreamError, type Streams } from '../index.ts'

export interface ScaleOptions {
  /** Where partitions have no lineage, adding some moves keys: say so. Default: false. */
  readonly acceptReordering?: boolean
  /** Ends between two steps; what was done stays. */
  readonly signal?: AbortSignal
  /** Open partitions there are by now, seen while the backend works. */
  readonly onProgress?: (open: number) => void
}

export interface ScaleReport {
  readonly before: number
  readonly after: number
}

const LOOK_AGAIN_MS = 1_000

/**
 * Raises or lowers the number of open partitions to `total` and resolves when it is so. Lowering merges neighbours, the narrowest pair
 * first, so that ranges become even: UNSUPPORTED where partitions cannot be merged. With `signal` aborted, resolves early with what is there.
 */
export async function scaleTopic(
  streams: Streams,
  topic: string,
  total: number,
  options: ScaleOptions = {},
): Promise<ScaleReport> {
  if (!Number.isSafeInteger(total) || total < 1) {
    throw new StreamError('INVALID_ARGUMENT', `${total} partitions: give a whole number above 0`, { topic })
  }
  let open = await openPartitions(streams, topic)
  const before = open.length
  if (total > before) {
    await grow(streams, topic, total, options)
    open = await openPartitions(streams, topic)
  } else if (total < before && !streams.capabilities.has('splitMerge')) {
    throw new StreamError(
      'UNSUPPORTED',
      `'${topic}' has ${before} partitions, and this backend cannot merge any: make a topic with ${total}, and replay into it`,
      { topic },
    )
  }
  while (open.length > total && options.signal?.aborted !== true) {
    await streams.admin.mergePartitions(topic, narrowestPair(open))
    open = await openPartitions(streams, topic)
    options.onProgress?.(open.length)
  }
  return { before, after: open.length }
}

async function grow(streams: Streams, topic: string, total: number, options: ScaleOptions): Promise<void> {
  const { acceptReordering = false, onProgress } = options
  const grown = streams.admin.addPartitions(topic, total, { acceptReordering })
  if (onProgress === undefined) return await grown
  let done = false
  const settled = grown.finally(() => {
    done = true
  })
  settled.catch(() => {})
  for (;;) {
    const pause = Promise.withResolvers<void>()
    const timer = setTimeout(pause.resolve, LOOK_AGAIN_MS)
    await Promise.race([settled, pause.promise])
    clearTimeout(timer)
    onProgress((await openPartitions(streams, topic)).length)
    if (done) return await settled
  }
}

/** In the order of their ranges. */
async function openPartitions(streams: Streams, topic: string): Promise<PartitionDescription[]> {
  const { partitions } = await streams.admin.describeTopic(topic)
  const open = partitions.filter(({ state }) => state === 'open')
  return open.sort((a, b) => (start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : 0))
}

/** Neighbours whose ranges together are the smallest. */
function narrowestPair(open: readonly PartitionDescription[]): [string, string] {
  let best = 0
  for (let i = 1; i + 1 < open.length; i++) {
    if (width(open[i]!) + width(open[i + 1]!) < width(open[best]!) + width(open[best + 1]!)) best = i
  }
  return [open[best]!.id, open[best + 1]!.id]
}

const start = ({ hashRange }: PartitionDescription): bigint => BigInt(hashRange?.from ?? 0)
const width = ({ hashRange }: PartitionDescription): bigint =>
  hashRange === undefined ? 1n : BigInt(hashRange.to) - BigInt(hashRange.from) + 1n
