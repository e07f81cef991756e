import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { expect, test } from 'vitest'
import { SdkService } from '../../../../adapters/kinesis/service/sdk-service.ts'
import { readBody } from '../../../support/aws-faults/read-body.ts'

test('requests beside each other have bodies of their own, each signed, though their memory is used again', async () => {
  const seen: { name: string; intact: boolean; signed: boolean }[] = []
  const server = http.createServer(async (request, response) => {
    const body = await readBody(request)
    const { Records } = JSON.parse(body.toString())
    const name = Records[0].PartitionKey as string
    seen.push({
      name,
      intact: Records.every(
        ({ Data }: { Data: string }, i: number) => Data === dataOf(name, i).toString('base64'),
      ),
      signed: request.headers['x-amz-content-sha256'] === createHash('sha256').update(body).digest('hex'),
    })
    // Some are answered after the next ones have come.
    const fails = seen.length % 5 === 0
    setTimeout(() => {
      response.statusCode = fails ? 500 : 200
      response.end(
        JSON.stringify({
          FailedRecordCount: 0,
          Records: Records.map(() => ({ SequenceNumber: '1', ShardId: 's' })),
        }),
      )
    }, seen.length % 3)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const service = new SdkService({
    connection: { region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } },
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requestTimeoutMs: 30_000,
  })
  const put = async (name: string, count: number): Promise<void> => {
    const Records = Array.from({ length: count }, (_, i) => ({ Data: dataOf(name, i), PartitionKey: name }))
    const { length } = seen
    await service.call(new PutRecordsCommand({ StreamName: 's', Records })).catch(() => {})
    expect(seen.length).toBeGreaterThan(length)
  }
  const sender = async (sender: number): Promise<void> => {
    for (let i = 0; i < 20; i++) await put(`${sender}-${i}`, 1 + ((sender * 7 + i) % 40))
  }
  await Promise.all(Array.from({ length: 6 }, (_, i) => sender(i)))
  expect(seen).toHaveLength(120)
  expect(seen.filter(({ intact, signed }) => !intact || !signed)).toEqual([])
  service.close()
  server.close()
})

const dataOf = (name: string, i: number): Buffer => Buffer.alloc(10_000, `${name}/${i};`)
