import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { StreamError, type Streams } from '../../index.ts'
import { openBackend } from '../open-backend.ts'

/** Where the demo plays: a backend with names of its own, all removed when disposed. */
export interface Stage extends AsyncDisposable {
  readonly streams: Streams
  readonly backend: string
  readonly topic: string
  readonly replayed: string
  readonly group: string
  readonly partitions: number
  /** What becomes of it all. */
  readonly fate: string
  /** A member unheard of for so long is dead. Milliseconds. */
  readonly sessionTimeoutMs: number
}

/** Without an address an embedded log in a directory of its own. */
export async function setStage(address: string | undefined, command: Command, keep: boolean): Promise<Stage> {
  await using undo = new AsyncDisposableStack()
  let backend = address
  if (backend === undefined) {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-demo-'))
    if (!keep) undo.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
    backend = `log:${directory}`
  }
  const streams = undo.use(await openBackend(backend, command, { create: true }))
  if (!streams.capabilities.has('multiProcess')) {
    throw new StreamError(
      'UNSUPPORTED',
      `the demo kills one of two processes, and ${backend} lives in one alone. Use log:DIR, or no address.`,
    )
  }
  const prefix = address === undefined ? '' : `millrace-demo-${randomBytes(4).toString('hex')}-`
  const names = {
    topic: `${prefix}earthquakes`,
    replayed: `${prefix}earthquakes-replayed`,
    group: `${prefix}observers`,
  }
  if (address !== undefined && !keep) {
    undo.defer(() => removeTopic(streams, names.topic))
    undo.defer(() => removeTopic(streams, names.replayed))
    undo.defer(() => removeGroup(streams, names.group))
  }
  const cleanup = undo.move()
  return {
    streams,
    backend,
    ...names,
    partitions: 6,
    fate: keep
      ? 'kept'
      : address === undefined
        ? 'removed at the end'
        : 'what it makes is deleted at the end',
    sessionTimeoutMs: sessionOn(backend),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

/** Short where processes share a machine, the least that brokers take by default, and what KCL waits for where leases cost a call each. */
function sessionOn(backend: string): number {
  if (backend.startsWith('log:')) return 1_000
  return backend.startsWith('kinesis:') ? 10_000 : 6_000
}

/** A topic that keeps the events, which are years old by their own times: Kafka would soon remove them. */
export async function makeTopic({ streams, partitions }: Stage, name: string): Promise<void> {
  try {
    await streams.admin.createTopic({ name, partitions, retentionMs: Number.POSITIVE_INFINITY })
  } catch (error) {
    // Kinesis keeps nothing for ever, and counts from the arrival.
    if (!(error instanceof StreamError) || error.code !== 'INVALID_ARGUMENT') throw error
    await streams.admin.createTopic({ name, partitions })
  }
}

async function removeTopic(streams: Streams, topic: string): Promise<void> {
  await streams.admin.deleteTopic(topic).catch(unlessMissing)
}

/** The killed member counts as live until its session is over. */
async function removeGroup(streams: Streams, group: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; await wait(200)) {
    try {
      await streams.groups.deleteGroup(group)
      return
    } catch (error) {
      if (!(error instanceof StreamError) || error.code !== 'FENCED' || Date.now() > deadline)
        return unlessMissing(error)
    }
  }
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof StreamError) || error.code !== 'NOT_FOUND') throw error
}
