import { setTimeout as sleep } from 'node:timers/promises'
import { StreamError } from '../../../../src/driver.ts'
import { retrying } from '../../service/retrying.ts'
import type { Lease } from '../lease.ts'
import type { CallTime, LeaseChange, LeaseCondition, LeaseTable, Updated } from '../tables/lease-table.ts'
import type { DynamoService } from './dynamo-service.ts'
import { fromItem, type Item, OURS, toItem } from './lease-item.ts'
import { updateExpression } from './update-expression.ts'

const CREATION_MS = 120_000
const POLL_MS = 500

/** A lease table in DynamoDB, in KCL's own format: an application of KCL can take it over, and be taken over. */
export class DynamoTable implements LeaseTable {
  readonly name: string
  readonly #service: DynamoService

  constructor(service: DynamoService, name: string) {
    this.#service = service
    this.name = name
  }

  async prepare(): Promise<void> {
    const deadline = performance.now() + CREATION_MS
    while (true) {
      const status = await this.#status(deadline)
      if (status === 'ACTIVE' || status === 'UPDATING') return
      if (status === undefined) await this.#create(deadline)
      else if (performance.now() > deadline) {
        throw new StreamError(
          'TIMEOUT',
          `the table '${this.name}' is ${status} for ${CREATION_MS / 1000} s: look at it in the console`,
        )
      } else await sleep(POLL_MS * (0.2 + 0.8 * Math.random()))
    }
  }

  async list({
    consistent = false,
    ...time
  }: CallTime & { readonly consistent?: boolean } = {}): Promise<Lease[]> {
    return (await this.#scan(consistent, time)).flatMap((item) => fromItem(item) ?? [])
  }

  async get(key: string, time?: CallTime): Promise<Lease | undefined> {
    const { Item } = await this.#service.call(
      ({ GetItemCommand }) =>
        new GetItemCommand({ TableName: this.name, Key: { leaseKey: { S: key } }, ConsistentRead: true }),
      time,
    )
    return Item === undefined ? undefined : fromItem(Item)
  }

  async create(lease: Lease, time?: CallTime): Promise<boolean> {
    try {
      await this.#service.call(
        ({ PutItemCommand }) =>
          new PutItemCommand({
            TableName: this.name,
            Item: toItem(lease),
            ConditionExpression: 'attribute_not_exists(leaseKey)',
          }),
        time,
      )
      return true
    } catch (error) {
      if (isRefusal(error)) return false
      throw error
    }
  }

  async update(
    lease: Lease,
    condition: LeaseCondition,
    change: LeaseChange,
    time?: CallTime,
  ): Promise<Updated> {
    try {
      const { Attributes } = await this.#service.call(
        ({ UpdateItemCommand }) =>
          new UpdateItemCommand({
            TableName: this.name,
            Key: { leaseKey: { S: lease.key } },
            ...updateExpression(condition, change),
            // With what others have written beside the lease.
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        time,
      )
      return { done: true, lease: fromItem(Attributes!)! }
    } catch (error) {
      if (!isRefusal(error)) throw error
      const { Item } = error.cause as { Item?: Item }
      // Not every emulator tells what stood there.
      return { done: false, lease: Item === undefined ? await this.get(lease.key, time) : fromItem(Item) }
    }
  }

  async announce(key: string, member: string, text: string | null, time?: CallTime): Promise<void> {
    try {
      await this.#service.call(
        ({ UpdateItemCommand }) =>
          new UpdateItemCommand({
            TableName: this.name,
            Key: { leaseKey: { S: key } },
            ConditionExpression: 'attribute_exists(leaseKey)',
            ExpressionAttributeNames: { '#member': `${OURS.member}${member}` },
            ...(text === null
              ? { UpdateExpression: 'REMOVE #member' }
              : {
                  UpdateExpression: 'SET #member = :text',
                  ExpressionAttributeValues: { ':text': { S: text } },
                }),
          }),
        time,
      )
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
  }

  async delete(key: string, condition?: { readonly counter: number }): Promise<void> {
    try {
      await this.#service.call(
        ({ DeleteItemCommand }) =>
          new DeleteItemCommand({
            TableName: this.name,
            Key: { leaseKey: { S: key } },
            ...(condition === undefined
              ? {}
              : {
                  ConditionExpression: 'leaseCounter = :counter',
                  ExpressionAttributeValues: { ':counter': { N: String(condition.counter) } },
                }),
          }),
      )
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
  }

  async destroy(): Promise<void> {
    const items = await this.#scan(true).catch(unlessMissing)
    if (items === undefined) return
    const leases = items.filter((item) => fromItem(item) !== undefined)
    if (leases.length < items.length) {
      for (const item of leases) await this.delete(item.leaseKey!.S!)
      return
    }
    const deadline = performance.now() + CREATION_MS
    await retrying(
      () => this.#service.call(({ DeleteTableCommand }) => new DeleteTableCommand({ TableName: this.name })),
      { deadline },
    ).catch(unlessMissing)
    while ((await this.#status(deadline)) !== undefined && performance.now() < deadline) {
      await sleep(POLL_MS * Math.random())
    }
  }

  async #scan(consistent: boolean, time?: CallTime): Promise<Item[]> {
    const items: Item[] = []
    let from: Item | undefined
    do {
      const { Items = [], LastEvaluatedKey } = await this.#service.call(
        ({ ScanCommand }) =>
          new ScanCommand({
            TableName: this.name,
            ...(consistent ? { ConsistentRead: true } : {}),
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        time,
      )
      items.push(...Items)
      from = LastEvaluatedKey
    } while (from !== undefined)
    return items
  }

  async #status(deadline: number): Promise<string | undefined> {
    const answer = await retrying(
      () =>
        this.#service.call(({ DescribeTableCommand }) => new DescribeTableCommand({ TableName: this.name })),
      { deadline: Math.min(deadline, performance.now() + 10_000) },
    ).catch(unlessMissing)
    return answer?.Table?.TableStatus
  }

  async #create(deadline: number): Promise<void> {
    await retrying(
      () =>
        this.#service.call(
          ({ CreateTableCommand }) =>
            new CreateTableCommand({
              TableName: this.name,
              BillingMode: 'PAY_PER_REQUEST',
              AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
              KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
            }),
        ),
      { deadline, again: (error) => error.retryable && !isBusy(error) },
    ).catch((error) => {
      // Another member was faster.
      if (!isBusy(error)) throw error
    })
  }
}

const causeName = (error: unknown): string | undefined =>
  error instanceof StreamError ? (error.cause as { name?: string } | undefined)?.name : undefined

/** The row was not as it was to be. */
const isRefusal = (error: unknown): error is StreamError =>
  causeName(error) === 'ConditionalCheckFailedException'

const isBusy = (error: unknown): boolean => causeName(error) === 'ResourceInUseException'

function unlessMissing(error: unknown): undefined {
  if (error instanceof StreamError && error.code === 'NOT_FOUND') return undefined
  throw error
}
