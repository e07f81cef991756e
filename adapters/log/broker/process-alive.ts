import fs from 'node:fs'
import os from 'node:os'
import type { Owner } from './broker-api.ts'

let host: string | undefined

/** What process ids mean something within: the machine, and on Linux the container's namespace. */
export function hostId(): string {
  if (host !== undefined) return host
  let namespace = ''
  try {
    namespace = fs.readlinkSync('/proc/self/ns/pid')
  } catch {
    // No /proc: one namespace for all.
  }
  return (host = `${os.hostname()} ${namespace}`.trim())
}

/** False where the process is known to be gone; true in doubt, and for processes of other machines. */
export function isAlive({ pid, host }: Pick<Owner, 'pid' | 'host'>): boolean {
  if (host !== hostId()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
  if (process.platform !== 'linux') return true
  try {
    // A process that was killed stays a zombie until its parent has looked. The state follows the name in parentheses.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    const state = stat[stat.lastIndexOf(')') + 2]
    return state !== 'Z' && state !== 'X'
  } catch {
    return false
  }
}
