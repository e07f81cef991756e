import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LockFile } from '../../../../adapters/log/holder/lock-file.ts'
import { PROTOCOL_VERSION } from '../../../../adapters/log/holder/protocol.ts'
import { socketPath } from '../../../../adapters/log/holder/socket-path.ts'
import { openLog } from '../../../../adapters/log/index.ts'
import { options, temporaryFolder } from './support/open.ts'
import { TestProcess } from './support/process.ts'
import { readAll, record } from './support/records.ts'

describe('opening a log', () => {
  let folder: string
  beforeEach(() => {
    folder = fs.realpathSync(temporaryFolder())
  })
  afterEach(() => {
    fs.chmodSync(folder, 0o755)
  })

  it.runIf(fs.existsSync('/proc'))('refuses a folder that can be named and not made', async () => {
    await expect(openLog('log:/proc/millrace-nowhere/data', options)).rejects.toMatchObject({
      name: 'StreamError',
    })
  })

  it('makes all the folders that are missing', async () => {
    const driver = await openLog(`log:${path.join(folder, 'a/b/c')}`, options)
    expect(await driver.admin.listTopics()).toEqual([])
    await driver.close()
  })

  it('refuses addresses that say nothing it knows', async () => {
    for (const [address, says] of [
      ['log:', /names no folder/],
      [`log:${folder}?fsnyc=batch`, /unknown parameter fsnyc: log: knows fsync, compression/],
      [`log:${folder}?fsync=1s`, /fsync=1s: give batch/],
      [`log:${folder}?compression=lzma`, /none, gzip/],
      [`log:${folder}?segmentBytes=0`, /segmentBytes 0: give a whole number/],
    ] as const) {
      await expect(openLog(address, options)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: says,
      })
    }
    expect(fs.readdirSync(folder)).toEqual([])
    await expect(openLog(`log:${folder}`, { ...options, credentials: {} })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: /knows no credentials/,
    })
  })

  it('refuses a file, a path through a file, and a folder of something else, and leaves it as it is', async () => {
    const file = path.join(folder, 'file')
    fs.writeFileSync(file, 'mine')
    await expect(openLog(`log:${file}`, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: /is a file/,
    })
    await expect(openLog(`log:${file}/below`, options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(openLog(`log:${folder}`, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: /holds file and no log of millrace/,
    })
    expect(fs.readdirSync(folder)).toEqual(['file'])
  })

  it('refuses a format that it does not know', async () => {
    fs.writeFileSync(path.join(folder, '.millrace'), '{"format":99}')
    await expect(openLog(`log:${folder}`, options)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: /format 99/,
    })
  })

  it.skipIf(process.getuid?.() !== 0)('says that it may not write there', async () => {
    fs.chmodSync(folder, 0o555)
    // Root may write anywhere, so somebody else tries.
    const process = new TestProcess({ uid: 65534 })
    await expect(process.call('open', { address: `log:${folder}` })).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      message: expect.stringContaining('read and write permission'),
    })
    await process.kill()
  })

  it('refuses a holder of another protocol, whichever of the two is newer', async () => {
    const lock = new LockFile(folder)
    expect(lock.tryLock()).toBe(true)
    const info = { pid: process.pid, host: 'here', socket: socketPath(folder) }
    lock.write({ ...info, protocol: PROTOCOL_VERSION + 1 })
    await expect(openLog(`log:${folder}`, options)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: /use the same version/,
    })
    lock.close()
    const driver = await openLog(`log:${folder}`, options)
    const socket = net.createConnection(socketPath(folder))
    const hello = Buffer.from(
      JSON.stringify({ protocol: PROTOCOL_VERSION + 1, owner: { id: 'x', pid: 1, host: '' } }),
    )
    const prefix = Buffer.alloc(8)
    prefix.writeUInt32BE(hello.length)
    socket.write(Buffer.concat([prefix, hello]))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toContain('UNSUPPORTED')
    socket.destroy()
    await driver.close()
  })

  it('survives garbage on its socket', async () => {
    const driver = await openLog(`log:${folder}`, options)
    const socket = net.createConnection(socketPath(folder))
    socket.on('error', () => {})
    socket.write(Buffer.alloc(64, 0xff))
    await once(socket, 'close')
    expect(await driver.admin.listTopics()).toEqual([])
    await driver.close()
  })

  it('listens elsewhere where the path of the folder is too long for a socket', async () => {
    const long = path.join(folder, 'x'.repeat(120))
    const driver = await openLog(`log:${long}`, options)
    await driver.admin.createTopic({ name: 't' })
    expect(fs.existsSync(path.join(long, '.sock'))).toBe(false)
    const client = await TestProcess.open(`log:${long}`)
    await client.call('send', { topic: 't', values: [['k', 'v']] })
    expect((await readAll(driver, 't')).length).toBe(1)
    await client.call('close')
    await client.call('end')
    expect(await client.exited).toBe(0)
    await driver.close()
    expect(fs.existsSync(socketPath(long))).toBe(false)
  })

  it('shares one hold among the connections of a process, through links and relative paths', async () => {
    const link = `${folder}-link`
    fs.symlinkSync(folder, link)
    const first = await openLog(`log:${folder}`, options)
    const second = await openLog(`log:${path.relative(process.cwd(), link)}`, options)
    await first.admin.createTopic({ name: 't' })
    await first.close()
    expect(await second.admin.listTopics()).toEqual(['t'])
    const closing = second.close()
    const third = await openLog(`log:${folder}`, options)
    expect(await third.admin.listTopics()).toEqual(['t'])
    await closing
    await third.close()
    expect(fs.readdirSync(folder)).not.toContain('.sock')
  })

  it('leaves nothing that keeps a process alive, and keeps one alive that waits', async () => {
    const script = (body: string): string => `
      import { openLog } from ${JSON.stringify(path.resolve('adapters/log/index.ts'))}
      import { openMemory } from ${JSON.stringify(path.resolve('adapters/memory/index.ts'))}
      const options = { logger: console }
      const record = { key: null, value: Buffer.from('v'), headers: [], timestamp: undefined, partition: undefined }
      ${body}`
    const run = async (body: string): Promise<{ code: number | null; out: string }> => {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script(body)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk
      })
      const [code] = await once(child, 'exit')
      return { code, out }
    }
    for (const open of ["openMemory('memory:', options)", `openLog('log:${folder}', options)`]) {
      const { code, out } = await run(`
        const driver = await ${open}
        await driver.admin.createTopic({ name: 't' }).catch(() => {})
        const reader = await driver.openReader({ topic: 't', partition: '0', start: { from: 'latest' } })
        const producer = await driver.openProducer({ clientId: 'p' })
        const member = await driver.joinGroup(
          { group: 'g', topics: ['t'], from: 'latest', clientId: 'c', sessionTimeoutMs: 5000, drainTimeoutMs: 1000 },
          { assigned() {}, async revoked() {}, lost() {}, failed() {} })
        setTimeout(() => producer.send('t', [record]), 100).unref()
        const batch = await reader.next({ maxBytes: 1000, signal: new AbortController().signal })
        console.log('read', batch.count)
        await driver.close()
        console.log('closed')`)
      expect([code, out]).toEqual([0, 'read 1\nclosed\n'])
    }
  }, 30_000)

  it('takes a full disk for what it is, and goes on when there is room', async () => {
    const driver = await openLog(`log:${folder}`, options)
    await driver.admin.createTopic({ name: 't' })
    const producer = await driver.openProducer({ clientId: 'p' })
    await producer.send('t', [record('k', '1')])
    const { writeSync } = fs
    fs.writeSync = (() => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    }) as typeof fs.writeSync
    try {
      await expect(producer.send('t', [record('k', '2')])).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: /free some room/,
      })
    } finally {
      fs.writeSync = writeSync
    }
    await producer.send('t', [record('k', '3')])
    expect((await readAll(driver, 't')).map((seen) => seen.value)).toEqual(['1', '3'])
    await driver.close()
  })
})
