/** The streams of the endpoint need not be made: their names say what is in them. */
export interface BenchStream {
  readonly shards: number
  readonly valueBytes: number
  /** Whether it holds aggregates. */
  readonly aggregated: boolean
  /** Tells streams of one kind apart. */
  readonly tag: string
}

export function streamName({ shards, valueBytes, aggregated, tag }: BenchStream): string {
  return `bench-${shards}-${valueBytes}-${aggregated ? 'aggregates' : 'plain'}-${tag}`
}

export function parseStreamName(name: string): BenchStream {
  const match = /^bench-(\d+)-(\d+)-(aggregates|plain)-(.*)$/.exec(name)
  if (match === null) throw new Error(`${name} is none of the endpoint's streams`)
  const [, shards, valueBytes, kind, tag] = match
  return {
    shards: Number(shards),
    valueBytes: Number(valueBytes),
    aggregated: kind === 'aggregates',
    tag: tag ?? '',
  }
}
