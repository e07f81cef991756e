import { type CompressionName, compress, compressionId } from '../../../../src/formats/compression.ts'
import { crc32c } from '../../../../src/formats/crc32c.ts'
import * as field from '../../../../src/formats/record-batch/header.ts'
import { VarintReader } from '../../../../src/formats/varint.ts'

/**
 * What Kafka's log cleaner makes of an uncompressed batch: some records gone, base and last offset as they
 * were.
 */
export function compact(
  batch: Buffer,
  keep: (record: number) => boolean,
  compression: CompressionName = 'none',
): Buffer {
  const kept: Buffer[] = []
  const reader = new VarintReader(batch, field.HEADER_BYTES, batch.length)
  for (let i = 0; reader.at < batch.length; i++) {
    const start = reader.at
    const length = reader.varint()
    reader.at += length
    if (keep(i)) kept.push(batch.subarray(start, reader.at))
  }
  const out = Buffer.concat([
    batch.subarray(0, field.HEADER_BYTES),
    compress(compression, Buffer.concat(kept)),
  ])
  out.writeInt32BE(kept.length, field.RECORDS_COUNT)
  out.writeInt16BE(field.attributes(out, 0) | compressionId(compression), field.ATTRIBUTES)
  return reseal(out)
}

/** Makes the length and the CRC fit what a test changed. */
export function reseal(batch: Buffer): Buffer {
  batch.writeInt32BE(batch.length - field.LENGTH_OVERHEAD, field.BATCH_LENGTH)
  batch.writeUInt32BE(crc32c(batch, field.ATTRIBUTES), field.CRC)
  return batch
}
