// Assembles a WebAssembly module that computes MD5 of eight messages at once, a message a lane of 128-bit vectors, in two sets of four
// whose steps alternate: MD5 is a chain of additions that wait for each other, so a processor that works on one message is mostly idle.

/** Where the module's memory has what: the state, four vectors a set, then a stretch for each lane. */
export const STATE_AT = 0
/** Lanes of a vector. */
export const VECTOR_LANES = 4
const SETS = 2
export const LANES = SETS * VECTOR_LANES
export const LANE_AT = 1024
export const LANE_BYTES = 65_536
const PAGES = 1 + LANES

const I32 = 0x7f
const V128 = 0x7b
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0)
const ROTATIONS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
]

// Locals: how many blocks are left (the parameter), the place within a lane, then vectors.
const LEFT = 0
const AT = 1
const STATE = 2
const WORK = STATE + 4 * SETS
const WORDS = WORK + 4 * SETS
const SPARE = WORDS + 16 * SETS

const leb = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]
const signedLeb = (value: number): number[] =>
  value >= -64 && value < 64 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signedLeb(value >> 7)]
const get = (local: number): number[] => [0x20, local]
const set = (local: number): number[] => [0x21, local]
const i32 = (value: number): number[] => [0x41, ...signedLeb(value)]
const simd = (operation: number, ...more: number[]): number[] => [0xfd, ...leb(operation), ...more]
const load = (offset: number): number[] => simd(0x00, 0, ...leb(offset))
const store = (offset: number): number[] => simd(0x0b, 0, ...leb(offset))
const NOT = simd(0x4d)
const OR = simd(0x50)
const XOR = simd(0x51)
const BITSELECT = simd(0x52)
const ADD = simd(0xae)

/** The same number in all lanes. */
const splat = (value: number): number[] => {
  const bytes = [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]
  return simd(0x0c, ...bytes, ...bytes, ...bytes, ...bytes)
}

/** Takes words by their number: 0 to 3 of the vector below, 4 to 7 of the one on top. */
const shuffle = (...words: number[]): number[] =>
  simd(0x0d, ...words.flatMap((word) => [0, 1, 2, 3].map((byte) => word * 4 + byte)))

/** Four words of each lane, from rows of lanes to a vector a word. */
function loadWords(within: number, group: number): number[] {
  const row = (lane: number): number[] => [
    ...get(AT),
    ...load(LANE_AT + (within * VECTOR_LANES + lane) * LANE_BYTES + group * 16),
  ]
  const pair = (a: number, b: number, words: readonly number[], to: number): number[] => [
    ...row(a),
    ...row(b),
    ...shuffle(...words),
    ...set(to),
  ]
  const word = (low: number, high: number, words: readonly number[], to: number): number[] => [
    ...get(low),
    ...get(high),
    ...shuffle(...words),
    ...set(WORDS + within * 16 + group * 4 + to),
  ]
  return [
    ...pair(0, 1, [0, 4, 1, 5], SPARE),
    ...pair(2, 3, [0, 4, 1, 5], SPARE + 1),
    ...pair(0, 1, [2, 6, 3, 7], SPARE + 2),
    ...pair(2, 3, [2, 6, 3, 7], SPARE + 3),
    ...word(SPARE, SPARE + 1, [0, 1, 4, 5], 0),
    ...word(SPARE, SPARE + 1, [2, 3, 6, 7], 1),
    ...word(SPARE + 2, SPARE + 3, [0, 1, 4, 5], 2),
    ...word(SPARE + 2, SPARE + 3, [2, 3, 6, 7], 3),
  ]
}

function step(within: number, i: number): number[] {
  const round = i >> 4
  const [a, b, c, d] = [0, 1, 2, 3].map((register) => WORK + within * 4 + ((register - i) & 3)) as [
    number,
    number,
    number,
    number,
  ]
  const word = [i, 5 * i + 1, 3 * i + 5, 7 * i][round]! & 15
  const mixed = [
    [...get(c), ...get(d), ...get(b), ...BITSELECT],
    [...get(b), ...get(c), ...get(d), ...BITSELECT],
    [...get(b), ...get(c), ...XOR, ...get(d), ...XOR],
    [...get(d), ...NOT, ...get(b), ...OR, ...get(c), ...XOR],
  ][round]!
  const rotation = ROTATIONS[round]![i & 3]!
  return [
    // What does not wait for the step before comes first.
    ...[
      ...get(a),
      ...get(WORDS + within * 16 + word),
      ...ADD,
      ...splat(SINES[i]!),
      ...ADD,
      ...mixed,
      ...ADD,
      ...set(SPARE + within),
    ],
    ...[
      ...get(SPARE + within),
      ...i32(rotation),
      ...simd(0xab),
      ...get(SPARE + within),
      ...i32(32 - rotation),
      ...simd(0xad),
    ],
    ...[...OR, ...get(b), ...ADD, ...set(a)],
  ]
}

function body(): number[] {
  const sets = Array.from({ length: SETS }, (_, i) => i)
  const registers = Array.from({ length: 4 * SETS }, (_, i) => i)
  return [
    ...registers.flatMap((r) => [...i32(STATE_AT), ...load(r * 16), ...set(STATE + r)]),
    ...[0x03, 0x40], // loop
    ...sets.flatMap((within) => [0, 1, 2, 3].flatMap((group) => loadWords(within, group))),
    ...registers.flatMap((r) => [...get(STATE + r), ...set(WORK + r)]),
    ...Array.from({ length: 64 }, (_, i) => sets.flatMap((within) => step(within, i))).flat(),
    ...registers.flatMap((r) => [...get(STATE + r), ...get(WORK + r), ...ADD, ...set(STATE + r)]),
    ...[...get(AT), ...i32(64), 0x6a, ...set(AT)],
    ...[...get(LEFT), ...i32(1), 0x6b, 0x22, LEFT, 0x0d, 0], // one block fewer; again unless it was the last
    0x0b,
    ...registers.flatMap((r) => [...i32(STATE_AT), ...get(STATE + r), ...store(r * 16)]),
    0x0b,
  ]
}

/** The module's bytes. Exports `memory`, and `blocks(count)`, which takes so many blocks of each lane into the state. */
export function md5LanesModule(): Uint8Array<ArrayBuffer> {
  const sized = (bytes: readonly number[]): number[] => [...leb(bytes.length), ...bytes]
  const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)]
  const name = (text: string): number[] => sized([...Buffer.from(text)])
  const locals = [2, 1, I32, SPARE + 4 - STATE, V128]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, PAGES]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('blocks'), 0, 0]),
    ...section(10, [1, ...sized([...locals, ...body()])]),
  ])
}
