/** Both ends inclusive. */
export interface HashRange {
  readonly start: bigint
  readonly end: bigint
}

export const MAX_HASH = (1n << 128n) - 1n

/** 32 digits, so that hashes compare as text. */
export const hashHex = (hash: bigint): string => hash.toString(16).padStart(32, '0')

/** The boundaries of `count` even ranges: their starts. */
export const evenStarts = (count: number): bigint[] =>
  Array.from({ length: count }, (_, i) => ((MAX_HASH + 1n) * BigInt(i)) / BigInt(count))

export const evenRanges = (count: number): HashRange[] => {
  const starts = evenStarts(count)
  return starts.map((start, i) => ({ start, end: (starts[i + 1] ?? MAX_HASH + 1n) - 1n }))
}

export const wireRange = ({ start, end }: HashRange): { StartingHashKey: string; EndingHashKey: string } => ({
  StartingHashKey: String(start),
  EndingHashKey: String(end),
})
