import { hash } from 'node:crypto'
import { md5OfBlock, ONE_BLOCK_BYTES, swapped } from './md5.ts'
import { begin, type Lanes, lanesOnce } from './md5-lanes.ts'
import { LANE_AT, LANE_BYTES, LANES, STATE_AT, VECTOR_LANES } from './md5-lanes-module.ts'
import type { PartitionKey } from './partition-key.ts'

/** Fewer are hashed one by one in no more time. */
const WORTH_WHILE = 3

const BLOCK_WORDS = 16

const together: PartitionKey[] = []

/** Gives partition keys their hashes. Many at once take a fraction of the time that they take one by one. */
export function hashKeys(keys: readonly PartitionKey[]): void {
  const lanes = keys.length < WORTH_WHILE ? null : lanesOnce()
  for (const key of keys) {
    if (key.utf8.length > ONE_BLOCK_BYTES) hashLong(key)
    else if (lanes === null) hashAlone(key)
    else {
      together.push(key)
      if (together.length === LANES) hashTogether(lanes)
    }
  }
  if (together.length >= WORTH_WHILE) hashTogether(lanes!)
  for (const key of together) hashAlone(key)
  together.length = 0
}

function hashLong(key: PartitionKey): void {
  const digest = hash('md5', key.utf8, 'buffer')
  setHash(key, digest.readInt32BE(0), digest.readInt32BE(4), digest.readInt32BE(8), digest.readInt32BE(12))
}

function hashAlone(key: PartitionKey): void {
  const words = md5OfBlock(key.utf8)
  setHash(key, swapped(words[0]!), swapped(words[1]!), swapped(words[2]!), swapped(words[3]!))
}

/** A key a lane. */
function hashTogether({ bytes, words, state, blocks }: Lanes): void {
  for (let lane = 0; lane < together.length; lane++) {
    const { utf8 } = together[lane]!
    const at = LANE_AT + lane * LANE_BYTES
    const word = at >> 2
    for (let i = 0; i < BLOCK_WORDS; i++) words[word + i] = 0
    const { length } = utf8
    for (let i = 0; i < length; i++) bytes[at + i] = utf8[i]!
    bytes[at + length] = 0x80
    words[word + BLOCK_WORDS - 2] = length << 3
  }
  begin(state)
  blocks(1)
  const first = STATE_AT >> 2
  for (let i = 0; i < together.length; i++) {
    // Four vectors a set of lanes.
    const at = first + (i & -VECTOR_LANES) * 4 + (i & (VECTOR_LANES - 1))
    setHash(
      together[i]!,
      swapped(words[at]!),
      swapped(words[at + VECTOR_LANES]!),
      swapped(words[at + 2 * VECTOR_LANES]!),
      swapped(words[at + 3 * VECTOR_LANES]!),
    )
  }
  together.length = 0
}

function setHash(key: PartitionKey, word0: number, word1: number, word2: number, word3: number): void {
  key.word0 = word0
  key.word1 = word1
  key.word2 = word2
  key.word3 = word3
}
