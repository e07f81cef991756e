import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const root = path.resolve(import.meta.dirname, '../..')
const bin = (name: string): string => path.join(root, 'node_modules/.bin', name)

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

describe('the package', () => {
  let folder: string
  let packed: Packed

  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-package-'))
    // Built apart, so that a `dist` somebody is working with stays as it is.
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root })
    packed = JSON.parse(stdout.slice(stdout.indexOf('[')))[0] as Packed
    await writeFile(path.join(folder, 'package.json'), '{"name":"user","private":true,"type":"module"}')
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${packed.filename}`], {
      cwd: folder,
    })
  }, 180_000)

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test('holds what a user needs and nothing else', () => {
    const tops = new Set(packed.files.map((file) => file.path.split('/').slice(0, 2).join('/')))
    expect([...tops].sort()).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'CHANGELOG.md',
        'package.json',
        'dist/src',
        'dist/adapters',
        'dist/test',
      ]),
    )
    const strange = packed.files.filter(
      ({ path: file }) =>
        !/^(LICENSE|README\.md|CHANGELOG\.md|package\.json|docs\/[a-z-]+\.md|examples\/data\/[\w.-]+)$/.test(
          file,
        ) && !/^dist\/(src|adapters|test\/conformance)\/.*\.(js|d\.ts)$/.test(file),
    )
    expect(strange).toEqual([])
  })

  test('works from ES modules in an empty folder', async () => {
    await writeFile(
      path.join(folder, 'use.mjs'),
      `import { connect, topic, json } from 'millrace'
       import { openLog } from 'millrace/log'
       import { openMemory } from 'millrace/memory'
       import { StreamError } from 'millrace/driver'
       import { conformance } from 'millrace/conformance'
       import { replay } from 'millrace/replay'
       import { planCapacity } from 'millrace/capacity'
       import 'millrace/kafka'
       import 'millrace/kinesis'
       for (const part of [openLog, openMemory, StreamError, conformance, replay, planCapacity]) if (typeof part !== 'function') throw new Error('missing')
       for (const address of ['log:./data', 'memory:']) {
         const streams = await connect(address)
         await streams.admin.createTopic({ name: 'orders' })
         const orders = topic('orders', { value: json(), key: (order) => order.id })
         await streams.producer().send(orders, { id: 'a', total: 7 })
         for await (const batch of streams.read(orders, { until: 'now' })) for (const { key, value } of batch) console.log(key, value.total)
         await streams.close()
       }`,
    )
    const { stdout } = await run(bin('node'), ['use.mjs'], { cwd: folder })
    expect(stdout).toBe('a 7\na 7\n')
  })

  test('its types resolve, and know what an address can do', async () => {
    await writeFile(
      path.join(folder, 'use.ts'),
      `import { connect, topic, json, deadLetter } from 'millrace'
       import type { Driver } from 'millrace/driver'
       interface Order { id: string }
       const orders = topic('orders', { value: json<Order>(), key: (order) => order.id })
       export async function main(driver: Driver): Promise<void> {
         const streams = await connect('log:./data')
         await streams.transaction(async (tx) => { await tx.send(orders, { id: 'a' }) })
         await streams.consumer({ group: 'g', topics: [orders] }).run({
           each: (record) => { const id: string | undefined = record.value?.id; void id },
           onPoison: deadLetter('orders.dlq'),
         })
         const kinesis = await connect('kinesis://eu-west-1')
         // @ts-expect-error Kinesis has no transactions
         await kinesis.transaction(async () => {})
         const any = await connect(driver, { require: ['transactions'] })
         await any.transaction(async () => {})
         // @ts-expect-error an order has an id
         await streams.producer().send(orders, { name: 'a' })
       }`,
    )
    await writeFile(
      path.join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          module: 'nodenext',
          target: 'es2022',
          lib: ['es2022', 'dom', 'esnext.disposable'],
          noEmit: true,
          types: [],
        },
        files: ['use.ts'],
      }),
    )
    const { stdout } = await run(bin('tsc'), ['-p', folder]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })

  test('its command answers', async () => {
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
      version: string
    }
    const { stdout } = await run(bin('node'), ['node_modules/millrace/dist/src/cli/main.js', '--version'], {
      cwd: folder,
    })
    expect(stdout.trim()).toBe(version)
  })
})
