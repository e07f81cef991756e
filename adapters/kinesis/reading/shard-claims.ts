/** A consumer's place at one shard, of which the service gives one subscription. */
export interface ShardClaim {
  /** `performance.now()` before which the service refuses another subscription. */
  notBefore: number
  release(): void
}

interface Entry {
  notBefore: number
  held: boolean
  /** Called in turn when the place is free. */
  readonly waiting: (() => void)[]
}

const ENTRIES = new Map<string, Entry>()

/** The place at a shard for one reader of this process, by consumer and shard. Undefined where another one holds it for longer than `patienceMs`. */
export async function claimShard(
  name: string,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<ShardClaim | undefined> {
  sweep()
  const entry = ENTRIES.get(name) ?? { notBefore: 0, held: false, waiting: [] }
  ENTRIES.set(name, entry)
  if (entry.held && !(await isFreed(entry, patienceMs, signal))) return undefined
  entry.held = true
  let released = false
  return {
    get notBefore() {
      return entry.notBefore
    },
    set notBefore(value) {
      entry.notBefore = value
    },
    release() {
      if (released) return
      released = true
      entry.held = false
      entry.waiting.shift()?.()
    },
  }
}

/** Resolves true when it is the caller's; the place never stands free in between. */
function isFreed(entry: Entry, patienceMs: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (freed: boolean): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      const at = entry.waiting.indexOf(onFree)
      if (at >= 0) entry.waiting.splice(at, 1)
      resolve(freed)
    }
    const onFree = (): void => {
      entry.held = true
      end(true)
    }
    const onAbort = (): void => end(false)
    const timer = setTimeout(onAbort, patienceMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    entry.waiting.push(onFree)
  })
}

function sweep(): void {
  const now = performance.now()
  for (const [name, { held, notBefore, waiting }] of ENTRIES) {
    if (!held && waiting.length === 0 && notBefore < now) ENTRIES.delete(name)
  }
}
