/** More than there are records on their way, and no more than the endpoint remembers the hashes of. */
const KEYS = 65_536

/** Gives keys of which none comes again while it is on its way. */
export function keysInTurn(): () => Buffer {
  const keys = Array.from({ length: KEYS }, (_, i) => Buffer.from(`key${i}`))
  let next = 0
  return () => keys[next++ % KEYS]!
}
