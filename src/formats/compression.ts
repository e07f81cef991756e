import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { StreamError } from '../errors.ts'
import { compressLz4, decompressLz4 } from './lz4-frame.ts'
import { compressXerial, decompressXerial } from './snappy-xerial.ts'

/** The codecs of Kafka's record batches, in the order of their ids. */
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionName = (typeof COMPRESSION_NAMES)[number]

/** Kafka's id of a codec: the low three bits of a batch's attributes. */
export function compressionId(name: CompressionName): number {
  const id = COMPRESSION_NAMES.indexOf(name)
  if (id >= 0) return id
  throw new StreamError(
    'INVALID_ARGUMENT',
    `unknown compression '${name}': use one of ${COMPRESSION_NAMES.join(', ')}`,
  )
}

/**
 * Compresses in the framing that Kafka's Java client writes and reads. `none` gives the same bytes, not
 * copied.
 */
export function compress(name: CompressionName, bytes: Uint8Array): Buffer {
  const buffer = asBuffer(bytes)
  switch (compressionId(name)) {
    case 1:
      return gzipSync(buffer)
    case 2:
      return compressXerial(buffer)
    case 3:
      return compressLz4(buffer)
    case 4:
      return zstdCompressSync(buffer)
    default:
      return buffer
  }
}

/**
 * The plain bytes of a codec's output; for `none` the same bytes, not copied. Neither the result nor what is
 * allocated on the way exceeds `maxBytes` by more than a block, whatever sizes the input claims.
 * INTERNAL for malformed input and for more than `maxBytes`, UNSUPPORTED for an unknown codec.
 */
export function decompress(id: number, bytes: Uint8Array, maxBytes: number): Buffer {
  const name = COMPRESSION_NAMES[id]
  if (name === undefined) {
    throw new StreamError('UNSUPPORTED', `unknown compression codec ${id}: a newer millrace may know it`)
  }
  const buffer = asBuffer(bytes)
  try {
    switch (name) {
      case 'gzip':
        return gunzipSync(buffer, { maxOutputLength: maxBytes, chunkSize: chunkSize(buffer, maxBytes) })
      case 'snappy':
        return decompressXerial(buffer, maxBytes)
      case 'lz4':
        return decompressLz4(buffer, maxBytes)
      case 'zstd':
        return zstdDecompressSync(buffer, {
          maxOutputLength: maxBytes,
          chunkSize: chunkSize(buffer, maxBytes),
        })
      default:
        return buffer
    }
  } catch (cause) {
    throw new StreamError(
      'INTERNAL',
      `${name} data of ${bytes.length} bytes does not decompress to at most ${maxBytes} bytes ` +
        `(${cause instanceof Error ? cause.message : String(cause)}): it is damaged, or the limit is too low for it`,
      { cause },
    )
  }
}

// Fewer, larger pieces: zlib's default of 16 KiB means a copy and a call for each.
function chunkSize(buffer: Buffer, maxBytes: number): number {
  return Math.max(1024, Math.min(maxBytes + 1, buffer.length * 4, 1 << 20))
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
