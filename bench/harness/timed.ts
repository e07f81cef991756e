import type { Latency, Round } from './contender.ts'

/** Runs `work` under the clock. */
export async function timed(records: number, work: () => unknown): Promise<Round> {
  const stop = startClock()
  await work()
  return stop(records)
}

/** A clock for work that begins and ends in different places. */
export function startClock(): (records: number, latency?: Latency) => Round {
  const cpu = process.cpuUsage()
  const began = performance.now()
  return (records, latency) => {
    const millis = performance.now() - began
    const { user, system } = process.cpuUsage(cpu)
    return { records, millis, cpuSeconds: (user + system) / 1e6, ...(latency && { latency }) }
  }
}

/** Repeats a pass over all there is until it was about `wanted` records, and adds up. */
export async function passes(wanted: number, pass: () => Promise<Round>): Promise<Round> {
  let sum: Round = { records: 0, millis: 0, cpuSeconds: 0 }
  do {
    const { records, millis, cpuSeconds } = await pass()
    sum = {
      records: sum.records + records,
      millis: sum.millis + millis,
      cpuSeconds: sum.cpuSeconds + cpuSeconds,
    }
  } while (sum.records < wanted)
  return sum
}
