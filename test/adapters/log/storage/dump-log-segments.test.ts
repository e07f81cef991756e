import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it, type TestContext } from 'vitest'
import { FileStore } from '../../../../adapters/log/storage/file-store.ts'
import { COMPRESSION_NAMES } from '../../../../src/formats/compression.ts'
import { batchOf, markerOf, openLog, readRecords, temporaryFolder } from './fixtures.ts'
import { dumpLogSegments, kafkaJars } from './kafka-tools.ts'

const TIMEOUT_MS = 400_000

function jarsOrSkip(context: TestContext): string {
  const found = kafkaJars()
  if ('missing' in found) context.skip(`Apache Kafka's own reader is not here: ${found.missing}`)
  return (found as { jars: string }).jars
}

/** The files of a folder that Kafka's tool knows, logs first. */
function filesOf(folder: string): string[] {
  return fs
    .readdirSync(folder)
    .filter((name) => /\.(log|index|timeindex|txnindex)$/.test(name))
    .sort((a, b) => Number(b.endsWith('.log')) - Number(a.endsWith('.log')) || a.localeCompare(b))
    .map((name) => path.join(folder, name))
}

const offsetsIn = (dump: string) =>
  [...dump.matchAll(/^\| offset: (\d+)/gm)].map(([, offset]) => Number(offset)).sort((a, b) => a - b)

const keyed = (from: number, count: number, keys: number, bytes = 20) =>
  Array.from({ length: count }, (_, i) => ({
    key: `k${(from + i) % keys}`,
    value: (from + i) % 11 === 10 ? null : `${from + i} ${'x'.repeat(bytes)}`,
    timestamp: 1_700_000_000_000 + ((from + i) % 13) * 1000 + from,
  }))

const ABORTED = ['producerId: 0 firstOffset: 0 lastOffset: 3', 'producerId: 1 firstOffset: 12 lastOffset: 15']

describe("Apache Kafka's DumpLogSegments", () => {
  it('reads logs and indexes in every codec', { timeout: TIMEOUT_MS }, async (context) => {
    const jars = jarsOrSkip(context)
    const folder = path.join(temporaryFolder(), 'orders-0')
    const log = await openLog(new FileStore(folder), { segmentBytes: 20_000, indexIntervalBytes: 512 })
    for (let i = 0; i < 200; i++) {
      const compression = COMPRESSION_NAMES[i % 5]!
      log.append(batchOf(keyed(log.endOffset, 1 + (i % 17), 50, 100), { compression }))
    }
    const end = log.endOffset
    await log.close()
    const files = filesOf(folder)
    expect(files.filter((file) => file.endsWith('.log')).length).toBeGreaterThan(3)
    const { stdout, stderr } = dumpLogSegments(jars, files)
    expect(stderr).toBe('')
    expect(offsetsIn(stdout)).toEqual(Array.from({ length: end }, (_, i) => i))
    for (const codec of COMPRESSION_NAMES) expect(stdout).toContain(`compresscodec: ${codec}`)
    expect(stdout).not.toContain('isvalid: false')
    // Entries of both kinds of index were looked at.
    expect(stdout).toMatch(/^offset: \d+ position: \d+$/m)
    expect(stdout).toMatch(/^timestamp: \d+ offset: \d+$/m)
  })

  it('reads transactions, their markers and their index', { timeout: TIMEOUT_MS }, async (context) => {
    const jars = jarsOrSkip(context)
    const folder = path.join(temporaryFolder(), 'orders-0')
    const log = await openLog(new FileStore(folder), { segmentBytes: 600 })
    for (let i = 0; i < 6; i++) {
      const producer = {
        producerId: i % 2,
        producerEpoch: 0,
        baseSequence: (i >> 1) * 2,
        transactional: true,
      }
      log.append(batchOf(keyed(i, 2, 5), producer))
      log.append(batchOf(keyed(i, 1, 5)))
      log.append(markerOf(i % 3 === 0 ? 'abort' : 'commit', i % 2))
    }
    await log.close()
    const { stdout, stderr } = dumpLogSegments(jars, filesOf(folder))
    expect(stderr).toBe('')
    expect(offsetsIn(stdout)).toEqual(Array.from({ length: 24 }, (_, i) => i))
    expect(stdout.match(/endTxnMarker: ABORT coordinatorEpoch: 0/g)).toHaveLength(2)
    expect(stdout.match(/endTxnMarker: COMMIT coordinatorEpoch: 0/g)).toHaveLength(4)
    expect(
      stdout.match(/^version: 0 producerId: \d firstOffset: \d+ lastOffset: \d+ lastStableOffset: \d+$/gm),
    ).toEqual(ABORTED.map((entry) => expect.stringContaining(entry)))
  })

  it('reads what compaction leaves', { timeout: TIMEOUT_MS }, async (context) => {
    const jars = jarsOrSkip(context)
    const folder = path.join(temporaryFolder(), 'orders-0')
    let now = 1_700_000_000_000
    const options = { segmentBytes: 6000, indexIntervalBytes: 256, compacted: true, deleteRetentionMs: 1000 }
    const log = await openLog(new FileStore(folder), { ...options, now: () => now })
    const write = () => {
      for (let i = 0; i < 100; i++) {
        const compression = COMPRESSION_NAMES[i % 5]!
        if (i % 20 === 7) {
          const sequence = { producerId: i + (now % 100_000), producerEpoch: 0, baseSequence: 0 }
          log.append(batchOf(keyed(log.endOffset, 4, 40), { compression, transactional: true, ...sequence }))
          log.append(markerOf(i % 40 === 7 ? 'abort' : 'commit', sequence.producerId))
        }
        log.append(batchOf(keyed(log.endOffset, 1 + (i % 7), 40), { compression }))
      }
    }
    write()
    for (let round = 0; round < 3; round++) {
      await log.compact()
      now += 1001
      write()
    }
    const report = await log.compact()
    expect(report.recordsRemoved).toBeGreaterThan(100)
    const expected = (await readRecords(log)).map(({ offset }) => offset)
    await log.close()
    const { stdout, stderr } = dumpLogSegments(jars, filesOf(folder))
    // Holes are what compaction is for; the tool lists them for Kafka's own segments too.
    const complaints = stderr
      .split('\n')
      .filter((line) => !/^Non-consecutive offsets in |^ {2}\d+ is followed by \d+$/.test(line))
    expect(complaints.filter((line) => line !== '')).toEqual([])
    expect(stdout).not.toContain('isvalid: false')
    const data = stdout
      .split('\n')
      .filter((line) => line.startsWith('| offset: ') && !line.includes('endTxnMarker'))
      .map((line) => Number(/offset: (\d+)/.exec(line)![1]))
    expect(data.sort((a, b) => a - b)).toEqual(expected)
    expect(stdout).toMatch(/deleteHorizonMs: OptionalLong\[\d+\]/)
  })
})
