import { hash } from 'node:crypto'
import { LANE_AT, LANE_BYTES, LANES, md5LanesModule, STATE_AT, VECTOR_LANES } from './md5-lanes-module.ts'

const BLOCK_BYTES = 64
const LANE_BLOCKS = LANE_BYTES / BLOCK_BYTES
/** The mark behind a message, and its length. */
const PADDING_BYTES = 9
/** Below this the call into OpenSSL is no dearer than the copies. */
const LEAST_BYTES = 1_024
const START = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]

export interface Lanes {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly state: Uint32Array
  readonly blocks: (count: number) => void
}

/** As far as it is used here: its types come with those of browsers. */
interface WithWebAssembly {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object) => { readonly exports: object }
  }
}

let lanes: Lanes | undefined | null

/** One for all, whose use never overlaps. Null where the process runs without WebAssembly. */
export function lanesOnce(): Lanes | null {
  if (lanes !== undefined) return lanes
  try {
    const { WebAssembly } = globalThis as unknown as WithWebAssembly
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(md5LanesModule()))
    const { memory, blocks } = exports as { memory: { buffer: ArrayBuffer }; blocks: Lanes['blocks'] }
    const { buffer } = memory
    lanes = {
      bytes: new Uint8Array(buffer),
      words: new Int32Array(buffer),
      state: new Uint32Array(buffer, STATE_AT, LANES * 4),
      blocks,
    }
  } catch {
    lanes = null
  }
  return lanes
}

/**
 * The MD5 digests of messages, 16 bytes each, one after another in their order. Eight of about the same length take little more time
 * than two.
 */
export function md5Digests(messages: readonly Uint8Array[]): Uint8Array {
  const digests = new Uint8Array(messages.length * 16)
  const machine = messages.length > 1 ? lanesOnce() : null
  const together: number[] = []
  messages.forEach((message, i) => {
    if (machine !== null && message.length >= LEAST_BYTES) together.push(i)
    else digests.set(Buffer.from(hash('md5', message), 'hex'), i * 16)
  })
  if (machine === null) return digests
  together.sort((a, b) => messages[a]!.length - messages[b]!.length)
  for (let first = 0; first < together.length; first += LANES) {
    digestGroup(machine, messages, together.slice(first, first + LANES), digests)
  }
  return digests
}

/** Of at most so many as there are lanes, the shortest first. */
function digestGroup(
  { bytes, state, blocks }: Lanes,
  messages: readonly Uint8Array[],
  group: readonly number[],
  digests: Uint8Array,
): void {
  const totals = group.map((i) => Math.ceil((messages[i]!.length + PADDING_BYTES) / BLOCK_BYTES))
  begin(state)
  let ended = 0
  for (let done = 0; ended < group.length; ) {
    const count = Math.min(LANE_BLOCKS, totals[ended]! - done)
    for (let lane = ended; lane < group.length; lane++) {
      fill(
        bytes,
        LANE_AT + lane * LANE_BYTES,
        messages[group[lane]!]!,
        done * BLOCK_BYTES,
        count * BLOCK_BYTES,
      )
    }
    blocks(count)
    done += count
    for (; ended < group.length && totals[ended] === done; ended++) {
      const at = group[ended]! * 16
      const set = Math.floor(ended / VECTOR_LANES) * START.length
      const lane = ended % VECTOR_LANES
      for (let i = 0; i < 16; i++) {
        digests[at + i] = state[(set + (i >> 2)) * VECTOR_LANES + lane]! >>> ((i & 3) << 3)
      }
    }
  }
}

/** The state that messages begin with. */
export function begin(state: Uint32Array): void {
  for (let i = 0; i < state.length; i++) state[i] = START[(i / VECTOR_LANES) & 3]!
}

/** A stretch of a message, with what MD5 puts behind its end. */
function fill(target: Uint8Array, at: number, message: Uint8Array, from: number, size: number): void {
  const { length } = message
  const until = Math.min(length, from + size)
  if (until > from) target.set(message.subarray(from, until), at)
  if (until === from + size) return
  const behind = Math.max(0, length - from)
  target.fill(0, at + behind, at + size)
  if (from <= length) target[at + behind] = 0x80
  const end = Math.ceil((length + PADDING_BYTES) / BLOCK_BYTES) * BLOCK_BYTES
  if (end > from + size) return
  let bits = length * 8
  for (let i = 8; i > 0; i--, bits = Math.floor(bits / 256)) target[at + size - i] = bits % 256
}
