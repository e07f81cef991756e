import { fileName, parseFileName, SWAP } from './file-names.ts'
import type { LogErrors } from './log-errors.ts'
import { scanBatches } from './scan-batches.ts'
import type { SegmentStore } from './store.ts'

/** What a log's folder holds, once everything unfinished was finished or taken away. */
export interface LogFiles {
  /** Base offsets of the segments, ascending. */
  readonly segments: readonly number[]
  /** Offsets of the producer snapshots, ascending. */
  readonly snapshots: readonly number[]
}

/**
 * Looks through the folder. A compaction that was cut off is finished where its result was whole, else forgotten; index
 * files without a log are deleted. INVALID_ARGUMENT for files that are not a log's, before anything is changed.
 */
export async function tidyFiles(store: SegmentStore, errors: LogErrors): Promise<LogFiles> {
  const names = store.list()
  const foreign = names.filter((name) => parseFileName(name).kind === 'foreign')
  if (foreign.length > 0) {
    throw errors.of(
      'INVALID_ARGUMENT',
      `${store.location} holds files that are not a log's (${foreign.slice(0, 3).join(', ')}` +
        `${foreign.length > 3 ? ` and ${foreign.length - 3} more` : ''}): choose another folder, or move them away`,
    )
  }
  for (const name of names) {
    const { kind } = parseFileName(name)
    if (kind === 'cleaned' || name.endsWith('.tmp')) await store.delete(name)
  }
  for (const name of names) {
    const file = parseFileName(name)
    if (file.kind === 'swap') await finishSwap(store, name, file.offset)
  }
  const segments = new Set<number>()
  const snapshots: number[] = []
  const beside: { name: string; offset: number }[] = []
  for (const name of store.list()) {
    const file = parseFileName(name)
    if (file.kind !== 'segment') continue
    if (file.suffix === 'log') segments.add(file.offset)
    else if (file.suffix === 'producers') snapshots.push(file.offset)
    else beside.push({ name, offset: file.offset })
  }
  for (const { name, offset } of beside) {
    if (!segments.has(offset)) await store.delete(name)
  }
  return { segments: [...segments].sort(ascending), snapshots: snapshots.sort(ascending) }
}

/** The second half of `swapSegments`, after a crash: the renamed result is whole and durable, what it was made of goes. */
async function finishSwap(store: SegmentStore, name: string, base: number): Promise<void> {
  const file = store.open(name)
  const to = file.sizeBytes
  const range = { from: 0, to, offset: base, upper: Number.MAX_SAFE_INTEGER, dense: false, verifyCrc: false }
  // The last batch of what was compacted is always kept, so its end is the end of all that this replaces.
  const { nextOffset } = await scanBatches(file, range, () => {})
  file.close()
  const replaced: number[] = []
  for (const other of store.list()) {
    const parsed = parseFileName(other)
    if (parsed.kind !== 'segment' || parsed.suffix !== 'log') continue
    if (parsed.offset >= base && parsed.offset < nextOffset) replaced.push(parsed.offset)
  }
  await deleteReplaced(store, base, replaced)
  store.rename(name, fileName(base, 'log'))
  await store.syncFolder()
}

/** Deletes the files of segments that a compacted one at `base` replaces, but for the log that the rename takes the place of. */
export async function deleteReplaced(
  store: SegmentStore,
  base: number,
  replaced: readonly number[],
): Promise<void> {
  for (const offset of replaced) {
    // Indexes first: left behind, they would be taken for those of the new log.
    for (const suffix of ['index', 'timeindex', 'txnindex'] as const)
      await store.delete(fileName(offset, suffix))
    if (offset !== base) await store.delete(fileName(offset, 'log'))
  }
}

/** The name under which a finished compacted segment waits to take its place. */
export const swapName = (base: number): string => fileName(base, 'log') + SWAP

const ascending = (a: number, b: number) => a - b
