import { writeSync } from 'node:fs'
import { now, type OracleFact } from '../oracle/events.ts'

/** Written before the next statement runs: what was said survives `kill -9`. */
export function say(what: string): void {
  write({ say: what })
}

export function tell(fact: OracleFact): void {
  write({ event: { at: now(), ...fact } })
}

function write(message: object): void {
  const line = Buffer.from(`${JSON.stringify(message)}\n`)
  for (let done = 0; done < line.length; ) {
    try {
      done += writeSync(1, line, done)
    } catch (error) {
      // The pipe is full and not blocking: the parent is reading it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}
