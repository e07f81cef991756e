/** What an aggregate begins with; KPL's "magic". */
export const MAGIC = [0xf3, 0x89, 0x9a, 0xc2] as const
export const MAGIC_BYTES = 4
/** The MD5 of the message, at the end. */
export const DIGEST_BYTES = 16

/** Fields of KPL's AggregatedRecord, each with the wire type of bytes. */
export const KEY_TABLE_FIELD = 0x0a
export const HASH_KEY_TABLE_FIELD = 0x12
export const RECORDS_FIELD = 0x1a
/** Fields of its Record: two numbers and bytes; `TAGS_FIELD` is the fourth. */
export const KEY_INDEX_FIELD = 0x08
export const HASH_KEY_INDEX_FIELD = 0x10
export const DATA_FIELD = 0x1a

/** Whether data would be taken for an aggregate at first sight. */
export function beginsLikeAggregate(data: Uint8Array): boolean {
  return (
    data.length >= MAGIC_BYTES &&
    data[0] === MAGIC[0] &&
    data[1] === MAGIC[1] &&
    data[2] === MAGIC[2] &&
    data[3] === MAGIC[3]
  )
}
