// Bills orders, once each: consume, transform and produce in one transaction, on any address that has transactions.
//   node examples/billing.ts            an embedded log in ./data
//   STREAMS=kafka://127.0.0.1:9092 node examples/billing.ts
import { connect, json, topic } from '../src/index.ts'

interface Order {
  readonly customerId: string
  readonly total: number
}

interface Bill {
  readonly customerId: string
  readonly due: number
}

const orders = topic('orders', { value: json<Order>(), key: (order) => order.customerId })
const bills = topic('bills', { value: json<Bill>(), key: (bill) => bill.customerId })

await using streams = await connect(process.env.STREAMS ?? 'log:./data', { require: ['transactions'] })

const existing = await streams.admin.listTopics()
for (const { name } of [orders, bills]) {
  if (!existing.includes(name)) await streams.admin.createTopic({ name, partitions: 3 })
}

await using producer = streams.producer()
await producer.sendBatch(orders, [
  { customerId: 'ada', total: 12 },
  { customerId: 'bob', total: 30 },
  { customerId: 'ada', total: 7 },
])

let left = 3
for await (const batch of streams.consumer({ group: 'billing', topics: [orders] })) {
  await streams.transaction(batch, async (tx) => {
    for (const { value } of batch) {
      if (value) await tx.send(bills, { customerId: value.customerId, due: value.total * 1.2 })
    }
  })
  left -= batch.length
  if (left <= 0) break
}

for await (const { key, value } of streams.read(bills, { until: 'now' }).records()) {
  console.log(`${key} owes ${value?.due.toFixed(2)}`)
}
