import type { LeaseTable } from '../../../../../adapters/kinesis/leasing/tables/lease-table.ts'
import { StreamError, type StreamErrorCode } from '../../../../../src/driver.ts'

type Operation = 'list' | 'get' | 'create' | 'update' | 'announce' | 'delete'

/** A table as one member reaches it: calls may fail before or after they are done, and are counted. */
export class FaultyTable implements LeaseTable {
  readonly name: string
  readonly #table: LeaseTable
  readonly counts: Record<Operation, number> = {
    list: 0,
    get: 0,
    create: 0,
    update: 0,
    announce: 0,
    delete: 0,
  }
  /** What every call rejects with. */
  failing: StreamErrorCode | undefined
  /** The next updates are done, and their answers lost. */
  losingAnswers = 0

  constructor(table: LeaseTable) {
    this.#table = table
    this.name = table.name
  }

  prepare(): Promise<void> {
    return this.#table.prepare()
  }

  list(...args: Parameters<LeaseTable['list']>): ReturnType<LeaseTable['list']> {
    return this.#call('list', () => this.#table.list(...args))
  }

  get(...args: Parameters<LeaseTable['get']>): ReturnType<LeaseTable['get']> {
    return this.#call('get', () => this.#table.get(...args))
  }

  create(...args: Parameters<LeaseTable['create']>): ReturnType<LeaseTable['create']> {
    return this.#call('create', () => this.#table.create(...args))
  }

  update(...args: Parameters<LeaseTable['update']>): ReturnType<LeaseTable['update']> {
    return this.#call('update', async () => {
      const outcome = await this.#table.update(...args)
      if (this.losingAnswers === 0) return outcome
      this.losingAnswers--
      throw failure('TIMEOUT')
    })
  }

  announce(...args: Parameters<LeaseTable['announce']>): ReturnType<LeaseTable['announce']> {
    return this.#call('announce', () => this.#table.announce(...args))
  }

  delete(...args: Parameters<LeaseTable['delete']>): ReturnType<LeaseTable['delete']> {
    return this.#call('delete', () => this.#table.delete(...args))
  }

  destroy(): Promise<void> {
    return this.#table.destroy()
  }

  async #call<T>(operation: Operation, call: () => Promise<T>): Promise<T> {
    this.counts[operation]++
    if (this.failing !== undefined) throw failure(this.failing)
    return call()
  }
}

const failure = (code: StreamErrorCode): StreamError => new StreamError(code, 'the test makes it fail: wait')
