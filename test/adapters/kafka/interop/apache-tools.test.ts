import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Driver, EncodedRecord } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { type Broker, INSIDE_PORT, startBroker } from '../../../support/kafka/start-broker.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const COUNT = 50
const BIN = '/opt/kafka/bin'
const SERVER = `--bootstrap-server localhost:${INSIDE_PORT}`

describe.runIf(inject('docker'))("Apache's own tools", () => {
  let broker: Broker
  let driver: Driver
  beforeAll(async () => {
    broker = await startBroker()
    driver = await openKafka(`kafka://${broker.address}`, { logger: quiet })
  })
  afterAll(async () => {
    await driver?.close()
    await broker?.stop()
  })

  async function run(command: string): Promise<string> {
    const { output, exitCode, stdout } = await broker.container.exec(['bash', '-c', command])
    if (exitCode !== 0) throw new Error(output)
    return stdout
  }

  test('read what was written here, in every compression', { timeout: 240_000 }, async () => {
    const producer = await driver.openProducer({ clientId: 'interop' })
    const begun = Date.now() - 60_000
    for (const compression of CODECS) {
      const name = `out-${compression}`
      await driver.admin.createTopic({ name, compression })
      const records = Array.from({ length: COUNT }, (_, i): EncodedRecord => {
        const tombstone = i === 7
        return {
          key: i === 8 ? null : Buffer.from(`key ${i}`),
          value: tombstone ? null : Buffer.from(`${compression} ${i} ${'x'.repeat(i)}`),
          headers: i % 2 === 0 ? [{ name: 'n', value: Buffer.from(String(i)) }] : [],
          timestamp: begun + i,
          partition: undefined,
        }
      })
      await producer.send(name, records)
    }
    const properties = ['timestamp', 'key', 'headers', 'offset'].map(
      (name) => `--formatter-property print.${name}=true`,
    )
    const flags = `--include 'out-.*' --from-beginning --max-messages ${COUNT * CODECS.length} --timeout-ms 60000`
    const lines = (await run(`${BIN}/kafka-console-consumer.sh ${SERVER} ${flags} ${properties.join(' ')}`))
      .trim()
      .split('\n')
    const expected = CODECS.flatMap((compression) =>
      Array.from({ length: COUNT }, (_, i) =>
        [
          `CreateTime:${begun + i}`,
          `Offset:${i}`,
          i % 2 === 0 ? `n:${i}` : 'NO_HEADERS',
          i === 8 ? 'null' : `key ${i}`,
          i === 7 ? 'null' : `${compression} ${i} ${'x'.repeat(i)}`,
        ].join('\t'),
      ),
    )
    expect(lines.sort()).toEqual(expected.sort())
    // The batches themselves are compressed as the topic says, not by the broker afterwards.
    const dump = await run(
      `for c in ${CODECS.join(' ')}; do ${BIN}/kafka-dump-log.sh --files /tmp/kraft-combined-logs/out-$c-0/00000000000000000000.log | grep -o 'compresscodec: [a-z0-9]*' | sort -u; done`,
    )
    expect(dump.trim().split('\n')).toEqual(CODECS.map((codec) => `compresscodec: ${codec}`))
  })

  test('write what is read here, in every compression', { timeout: 240_000 }, async () => {
    for (const compression of CODECS) await driver.admin.createTopic({ name: `in-${compression}` })
    const options = `${SERVER} --reader-property parse.key=true --reader-property key.separator=:`
    await run(
      CODECS.map(
        (codec) =>
          `seq 1 500 | sed 's/.*/k&:value & of ${codec}/' | ` +
          `${BIN}/kafka-console-producer.sh ${options} --topic in-${codec} --compression-codec ${codec}`,
      ).join(' && '),
    )
    for (const compression of CODECS) {
      const reader = await driver.openReader({
        topic: `in-${compression}`,
        partition: '0',
        start: { from: 'earliest' },
        until: 'now',
      })
      const values: string[] = []
      for (;;) {
        const batch = await reader.next({ maxBytes: 1 << 20, signal: AbortSignal.timeout(60_000) })
        if (batch === null) break
        for (let i = 0; i < batch.count; i++) values.push(Buffer.from(batch.value(i)!).toString())
      }
      await reader.close()
      expect(values).toEqual(Array.from({ length: 500 }, (_, i) => `value ${i + 1} of ${compression}`))
    }
  })
})
