import { type EncodedRecord, StreamError } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { checkRecords, recordBytes } from './check-records.ts'
import { growRoute, type Route, type Router } from './router.ts'
import type { SendCall } from './send-call.ts'

/** Records of a call that are still to be routed: all, or those of `indexes`, from number `next` on. */
export interface Piece {
  readonly call: SendCall
  readonly indexes: readonly number[] | undefined
  next: number
}

/** The records that one call has in a batch. */
export interface CallPart {
  readonly call: SendCall
  readonly part: number
}

/** What goes out together: at most one batch a partition. */
export interface Round {
  /** What the routes' indexes are of. */
  readonly records: readonly EncodedRecord[]
  readonly batches: ReadonlyMap<Route, CallPart[]>
  /** Pieces that did not fit. */
  readonly left: Piece[]
}

/** A batch is closed before it grows beyond this; a larger record goes alone. */
const MAX_BATCH_BYTES = 1024 * 1024
/** About what a record adds to its own bytes. */
const RECORD_OVERHEAD_BYTES = 16

/** Routes pieces in their order until the first batch is full. Calls that cannot be sent are rejected, and passed over. */
export function composeRound(topic: string, pending: Piece[], router: Router): Round {
  const first = pending[0]!
  const alone = pending.length === 1 && first.indexes === undefined
  // A call that goes out by itself is not copied.
  const records: EncodedRecord[] | undefined = alone ? undefined : []
  const batches = new Map<Route, CallPart[]>()
  const keyless = router.next()
  let done = 0
  for (const piece of pending) {
    const isDone =
      !isAcceptable(topic, piece, router) || route(topic, piece, router, keyless, records, batches)
    if (!isDone) break
    done++
  }
  const left = done === pending.length ? [] : pending.slice(done)
  return { records: records ?? first.call.records, batches, left }
}

/** False where the call is refused before anything of it was sent. */
function isAcceptable(topic: string, { call }: Piece, router: Router): boolean {
  if (call.checked) return true
  call.checked = true
  const error = checkRecords(topic, call.records, router.layout.settings.maxRecordBytes)
  if (error !== undefined) call.reject(error)
  return error === undefined
}

/** Puts the piece's records to their batches; false when one is full before all of them are. */
function route(
  topic: string,
  piece: Piece,
  router: Router,
  keyless: Route,
  records: EncodedRecord[] | undefined,
  batches: Map<Route, CallPart[]>,
): boolean {
  const { call, indexes } = piece
  const { partOf } = call
  const total = indexes === undefined ? call.records.length : indexes.length
  for (const used of batches.keys()) used.part = -1
  for (; piece.next < total; piece.next++) {
    const i = indexes === undefined ? piece.next : indexes[piece.next]!
    const record = call.records[i]!
    const { key } = record
    const route =
      record.partition !== undefined
        ? router.find(record.partition)
        : key === null
          ? keyless
          : router.locate(murmur2(key))
    if (route === undefined) {
      refuse(topic, call, i, record.partition!, router)
      continue
    }
    const size = recordBytes(record) + RECORD_OVERHEAD_BYTES
    if (route.count === 0) {
      batches.set(route, [])
      route.part = -1
    } else if (route.bytes + size > MAX_BATCH_BYTES) return false
    if (route.part < 0) {
      route.part = call.addPart(route.id, route.count)
      batches.get(route)!.push({ call, part: route.part })
    }
    if (route.count === route.indexes.length) growRoute(route)
    route.indexes[route.count++] = records === undefined ? i : records.push(record) - 1
    route.bytes += size
    partOf[i] = route.part
    call.parts[route.part]!.count++
  }
  return true
}

/** A partition that the caller named and that takes no records. */
function refuse(topic: string, call: SendCall, i: number, partition: string, router: Router): void {
  const ended = router.layout.partitions.some(({ id }) => id === partition)
  const part = call.addPart(partition, 0)
  call.partOf[i] = part
  call.parts[part]!.count = 1
  const message = ended
    ? `partition ${partition} of '${topic}' has ended: send to one of its children, or let the key decide`
    : `topic '${topic}' has no partition '${partition}': describe it for those it has, or let the key decide`
  call.fail(part, new StreamError(ended ? 'INVALID_ARGUMENT' : 'NOT_FOUND', message, { topic, partition }))
}
