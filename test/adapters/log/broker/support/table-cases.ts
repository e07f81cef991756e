import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Backend } from './open.ts'

/** The tables that a log lends. */
export function tableCases(backend: Backend): void {
  describe(`${backend.name}: tables`, () => {
    it('write a row only over the version that is expected', async () => {
      const driver = await backend.open()
      const tables = driver.tables!
      const [v1, v2, v3] = [randomUUID(), randomUUID(), randomUUID()] as const
      const write = (expected: string | null, next: { value: string; version: string } | null) =>
        tables.writeRow({ table: 't', key: 'k', expected, next })
      expect(await tables.listTables()).toEqual([])
      expect(await tables.readRow('t', 'k')).toBeUndefined()
      expect(await write(v1, { value: 'never', version: v2 })).toBe(false)
      expect(await write(null, { value: 'a', version: v1 })).toBe(true)
      expect(await write(null, { value: 'b', version: v2 })).toBe(false)
      expect(await write(v1, { value: 'c', version: v2 })).toBe(true)
      expect(await write(v1, { value: 'd', version: v3 })).toBe(false)
      expect(await tables.readRow('t', 'k')).toEqual({ key: 'k', value: 'c', version: v2 })
      expect(await write(v1, null)).toBe(false)
      expect(await tables.listTables()).toEqual(['t'])
      expect(await write(v2, null)).toBe(true)
      expect(await tables.readRows('t')).toEqual([])
      expect(await tables.listTables()).toEqual([])
      await driver.close()
    })

    it('know a repeated write by its version', async () => {
      const driver = await backend.open()
      const tables = driver.tables!
      const first = { table: 't', key: 'k', expected: null, next: { value: 'a', version: randomUUID() } }
      expect(await tables.writeRow(first)).toBe(true)
      expect(await tables.writeRow(first)).toBe(true)
      const removal = { table: 't', key: 'k', expected: first.next.version, next: null }
      expect(await tables.writeRow(removal)).toBe(true)
      expect(await tables.writeRow(removal)).toBe(true)
      await driver.close()
    })

    it('give a row to one of many who write it at once', async () => {
      const driver = await backend.open()
      const tables = driver.tables!
      const won = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          tables.writeRow({
            table: 't',
            key: 'k',
            expected: null,
            next: { value: String(i), version: randomUUID() },
          }),
        ),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      expect((await tables.readRow('t', 'k'))?.value).toBe(String(won.indexOf(true)))
      await driver.close()
    })
  })
}
