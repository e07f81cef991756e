import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { type ConnectOptions, connect, type Logger, StreamError, type Streams } from '../index.ts'
import { backendAddress, joinAddress, type TopicAddress, topicAddress } from '../tools/address.ts'
import { UsageError } from './failure.ts'

/** Reads an argument that names a backend. */
export function backendArgument(text: string): string {
  return asUsage(() => backendAddress(text))
}

/** Reads an argument that names a topic. */
export function topicArgument(text: string): TopicAddress {
  return asUsage(() => topicAddress(text))
}

/** An address that is none is a mistake in the command line. */
function asUsage<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw error instanceof StreamError ? new UsageError(error.message) : error
  }
}

/** Opens a backend for one command. One that only looks must not make a log where a name was mistyped: `create` says so. */
export async function openBackend(
  address: string,
  command: Command,
  { create = false }: { readonly create?: boolean } = {},
): Promise<Streams> {
  if (!create) refuseMissingLog(address)
  return (await connect(address, connectOptions(command))) as Streams
}

export function connectOptions(command: Command): ConnectOptions {
  return { logger: loggerOf(command) }
}

/** Where the directory of a log is missing, what else the address may have meant. */
export function refuseMissingLog(address: string): void {
  if (!address.startsWith('log:')) return
  const directory = resolve(address.slice('log:'.length).replace(/\?.*$/, '') || '.')
  if (existsSync(directory)) return
  const parent = dirname(directory)
  const name = basename(directory)
  // topics are folders `<topic>-<partition>`: the address may have one topic too many
  const isTopic =
    existsSync(parent) &&
    readdirSync(parent).some((entry) => /^-\d+$/.test(entry.slice(name.length)) && entry.startsWith(name))
  throw new StreamError(
    'NOT_FOUND',
    isTopic
      ? `${address} is a topic, and this command wants the log that it is in: log:${parent}.`
      : `there is no log in ${directory}. Correct the address, or make one: millrace topics create ${joinAddress(address, 'TOPIC')}.`,
  )
}

/** Warnings of the library in the form of our own messages. */
function loggerOf(command: Command): Logger {
  const verbose = command.optsWithGlobals().verbose === true
  const say = (level: string) => (message: string, details?: object) => {
    process.stderr.write(`millrace: ${level}: ${message}${details ? ` ${JSON.stringify(details)}` : ''}\n`)
  }
  const silent = (): void => {}
  return {
    debug: verbose ? say('debug') : silent,
    info: verbose ? say('info') : silent,
    warn: say('warning'),
    error: say('error'),
  }
}
