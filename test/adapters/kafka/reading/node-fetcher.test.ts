import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { NodeFetcher } from '../../../../adapters/kafka/reading/node-fetcher.ts'
import type { FetchedPartition, FetchRequest } from '../../../../adapters/kafka/wire/protocol/fetch.ts'
import { FakeWire } from '../support/fake-wire.ts'

const BATCH_BYTES = 10_000

let wire: FakeWire
let fetcher: NodeFetcher
let requests: FetchRequest[]
/** What each partition's log ends with. */
let ends: number[]
/** Wakes a broker that waits for records. */
let appended: () => void

/** A broker as far as the size of answers goes: batches come whole, the first one of an answer whatever its size. */
beforeEach(() => {
  requests = []
  ends = []
  wire = new FakeWire()
  wire.answer = async ({ request }) => {
    const asked = request as FetchRequest
    requests.push(asked)
    if (asked.partitions.every(({ partition, offset }) => offset >= ends[partition]!)) {
      await new Promise<void>((resolve) => {
        appended = resolve
      })
    }
    let room = asked.maxBytes
    let isFirst = true
    const partitions = asked.partitions.map(({ topic, partition, offset, maxBytes }): FetchedPartition => {
      const end = ends[partition]!
      const fits = isFirst || Math.min(maxBytes, room) >= BATCH_BYTES
      const size = offset < end && fits ? BATCH_BYTES : 0
      if (size > 0) isFirst = false
      room = Math.max(0, room - size)
      const rest = { errorCode: 0, lastStable: end, logStart: 0, aborted: [], preferredReplica: -1 }
      return { topic, partition, highWatermark: end, records: Buffer.alloc(size), ...rest }
    })
    return { errorCode: 0, session: 0, partitions }
  }
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  fetcher = new NodeFetcher({ wire, logger, rack: undefined, groupProtocol: 'classic' }, 1, 'committed')
})

afterEach(() => {
  vi.useRealTimers()
})

const ask = (partition: number, wantedBytes: number): Promise<FetchedPartition> =>
  fetcher.fetch({
    topic: 't',
    partition,
    offset: 0,
    maxBytes: wantedBytes,
    wantedBytes,
    leaderEpoch: 0,
    since: performance.now(),
  })

test('many partitions whose batches are larger than the room for them share few requests', async () => {
  const count = 100
  ends = Array.from({ length: count }, () => 1)
  const answers = await Promise.all(ends.map((_, partition) => ask(partition, 500)))
  expect(answers.map(({ records }) => records.length)).toEqual(ends.map(() => BATCH_BYTES))
  expect(requests.length).toBeLessThan(10)
})

test('what comes for one partition wakes no reader of the others, who wait on', async () => {
  // They would be woken after a while.
  vi.useFakeTimers({ toFake: ['performance'] })
  ends = Array.from({ length: 20 }, () => 0)
  let woken = 0
  const all = ends.map((_, partition) => ask(partition, 1 << 20).finally(() => woken++))
  await expect.poll(() => requests.length).toBe(1)
  ends[7] = 1
  appended()
  expect((await all[7]!).records).toHaveLength(BATCH_BYTES)
  await expect.poll(() => requests.length).toBe(2)
  expect(woken).toBe(1)
  expect(requests[1]!.partitions).toHaveLength(19)
  ends[3] = 1
  appended()
  expect((await all[3]!).records).toHaveLength(BATCH_BYTES)
  fetcher.stop()
})
