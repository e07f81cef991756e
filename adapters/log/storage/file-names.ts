/** The files of a segment, by the suffix behind its 20-digit base offset; all but `producers` as Kafka names them. */
export type SegmentSuffix = 'log' | 'index' | 'timeindex' | 'txnindex' | 'producers'

/** What a file in a partition's folder is, by its name. */
export type FileKind =
  | { readonly kind: 'segment'; readonly suffix: SegmentSuffix; readonly offset: number }
  /** A compacted segment that is not finished: worthless. */
  | { readonly kind: 'cleaned' }
  /** A compacted segment that is finished and takes the place of those it was made of. */
  | { readonly kind: 'swap'; readonly offset: number }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'temporary' }
  | { readonly kind: 'foreign' }

export const CHECKPOINT = 'checkpoint'
export const CLEANED = '.cleaned'
export const SWAP = '.swap'

const SEGMENT = /^(\d{20})\.(log|index|timeindex|txnindex|producers)$/

/** `00000000000000000042.log`, as Kafka names its files. */
export function fileName(offset: number, suffix: SegmentSuffix): string {
  return `${String(offset).padStart(20, '0')}.${suffix}`
}

/** Dotfiles count as `temporary`: file managers leave some. */
export function parseFileName(name: string): FileKind {
  if (name === CHECKPOINT) return { kind: 'checkpoint' }
  if (name.endsWith('.tmp') || name.startsWith('.')) return { kind: 'temporary' }
  if (name.endsWith(CLEANED)) return { kind: 'cleaned' }
  const swap = name.endsWith(SWAP)
  const match = SEGMENT.exec(swap ? name.slice(0, -SWAP.length) : name)
  const offset = Number(match?.[1])
  if (match === null || !Number.isSafeInteger(offset)) return { kind: 'foreign' }
  const suffix = match[2] as SegmentSuffix
  if (!swap) return { kind: 'segment', suffix, offset }
  return suffix === 'log' ? { kind: 'swap', offset } : { kind: 'foreign' }
}
