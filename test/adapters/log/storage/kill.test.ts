import { spawn } from 'node:child_process'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileStore } from '../../../../adapters/log/storage/file-store.ts'
import { openLog, readRecords, temporaryFolder } from './fixtures.ts'

const CHILD = path.join(import.meta.dirname, 'append-child.ts')

/** Runs the child until it acknowledged `atLeast` more offsets, kills it there, and returns the last one that it acknowledged. */
async function appendUntilKilled(folder: string, fsync: string, atLeast: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, folder, fsync], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  let first: number | undefined
  child.stderr.on('data', (chunk) => (errors += chunk))
  child.stdout.on('data', (chunk) => {
    output += chunk
    const lines = output.split('\n').slice(0, -1)
    first ??= Number(lines[0])
    if (Number(lines.at(-1)) - first >= atLeast) child.kill('SIGKILL')
  })
  const [, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (code, by) => resolve([code, by])),
  )
  expect([signal, errors]).toEqual(['SIGKILL', expect.not.stringContaining('Error')])
  // A last line without its end may be cut off.
  return Number(output.split('\n').at(-2))
}

describe('kill -9', () => {
  for (const fsync of ['never', 'batch']) {
    it(`loses nothing that was acknowledged, fsync '${fsync}'`, { timeout: 60_000 }, async () => {
      const folder = path.join(temporaryFolder(), 'orders-0')
      for (let round = 0; round < 5; round++) {
        const acknowledged = await appendUntilKilled(folder, fsync, 40 + round * 37)
        const log = await openLog(new FileStore(folder), { segmentBytes: 100_000 })
        expect(log.endOffset).toBeGreaterThanOrEqual(acknowledged)
        const records = await readRecords(log, { maxBytes: 64 * 1024 })
        expect(records).toHaveLength(log.endOffset)
        for (const [i, { offset, value }] of records.entries()) {
          if (offset !== i || !value!.startsWith(`${i} x`))
            throw new Error(`record ${i} is not what was sent`)
        }
        // Without a close in every other round: the next child recovers what a killed one left.
        if (round % 2 === 0) await log.close()
      }
    })
  }
})
