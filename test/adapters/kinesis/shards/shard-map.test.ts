import { describe, expect, test } from 'vitest'
import { type ListedShard, ListedShardMap } from '../../../../adapters/kinesis/shards/shard-map.ts'

const stream = { stream: 's', arn: 'arn:s', createdAt: 1 }
const listed = (
  id: string,
  from: number,
  to: number,
  parents: readonly string[] = [],
  ended = false,
): ListedShard => ({
  ShardId: id,
  ParentShardId: parents[0],
  AdjacentParentShardId: parents[1],
  HashKeyRange: { StartingHashKey: String(from), EndingHashKey: String(to) },
  SequenceNumberRange: {
    StartingSequenceNumber: '1',
    ...(ended ? { EndingSequenceNumber: '9' } : {}),
  },
})

describe('a shard map', () => {
  test('knows children by what they say of their parents, those that retention removed left out', () => {
    const map = new ListedShardMap(
      stream,
      [listed('b', 0, 9, ['gone'], true), listed('c', 10, 19, [], true), listed('d', 0, 19, ['b', 'c'])],
      0,
    )
    expect(map.shard('b')).toMatchObject({ parents: [], children: ['d'], open: false, last: '9' })
    expect(map.shard('d')).toMatchObject({ parents: ['b', 'c'], children: [], open: true, last: undefined })
  })

  test('stands in the order of lineage, however it was listed', () => {
    const map = new ListedShardMap(
      stream,
      [
        listed('child', 0, 9, ['parent']),
        listed('parent', 0, 9, ['grand'], true),
        listed('grand', 0, 9, [], true),
      ],
      0,
    )
    expect(map.shards.map(({ id }) => id)).toEqual(['grand', 'parent', 'child'])
  })

  test('finds the open shard of a hash key, and says that there is none for now', () => {
    const map = new ListedShardMap(
      stream,
      [listed('old', 0, 29, [], true), listed('low', 0, 9, ['old']), listed('high', 20, 29, ['old'])],
      0,
    )
    expect(map.openShards.map(({ id }) => id)).toEqual(['low', 'high'])
    expect([0n, 9n, 20n, 29n].map((key) => map.openShardOf(key).id)).toEqual(['low', 'low', 'high', 'high'])
    expect(() => map.openShardOf(15n)).toThrow(/resharded/)
  })
})
