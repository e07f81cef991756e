import { describe, expect, it } from 'vitest'
import { Metadata } from '../../../../adapters/log/broker/metadata.ts'
import { memoryStores } from '../../../../adapters/log/broker/store-factory.ts'
import { eventually } from './support/eventually.ts'
import { options } from './support/open.ts'

describe('the metadata', () => {
  it('stays small under many checkpoints, and is the same when it is opened again', async () => {
    const stores = memoryStores()
    const open = () => Metadata.open(stores, { logger: options.logger, fsync: 'never' })
    const { metadata } = await open()
    const wanted = new Map<string, unknown>()
    for (let i = 0; i < 200_000; i++) {
      const key = ['checkpoint', 'g', 't', String(i % 50)]
      const value = { checkpoint: i, epoch: 3, ended: false, owner: 'somebody' }
      metadata.put([[key, value]])
      wanted.set(JSON.stringify(key), value)
      if (i % 10_000 === 0) await new Promise(setImmediate)
    }
    metadata.put([[['checkpoint', 'g', 't', '0'], null]])
    wanted.delete('["checkpoint","g","t","0"]')
    // 32 MB were written; what came while a compaction ran waits for the next change.
    await eventually('it is compacted', () => {
      metadata.put([[['checkpoint', 'g', 't', '0'], null]])
      return metadata.sizeBytes < 13 * 1024 * 1024
    })
    await metadata.close()
    const again = await open()
    expect(new Map(again.stored.map(({ key, value }) => [JSON.stringify(key), value]))).toEqual(wanted)
    await again.metadata.close()
  })
})
