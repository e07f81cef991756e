import { type DriverOptions, type LentTables, StreamError } from '../../../src/driver.ts'
import type { KinesisAddress } from '../address.ts'
import type { AwsConnection } from '../service/aws-connection.ts'
import { DynamoService } from './dynamodb/dynamo-service.ts'
import { DynamoTable } from './dynamodb/dynamo-table.ts'
import { findLeaseTables } from './dynamodb/find-lease-tables.ts'
import { EmbeddedTable } from './tables/embedded-table.ts'
import type { LeaseTable } from './tables/lease-table.ts'

/** Where the groups of a driver keep their leases. Nothing is opened or loaded before it is used. */
export interface LeaseStores {
  /** A group's table, which need not be there yet. Throws INVALID_ARGUMENT for a name that cannot be one of a table. */
  table(group: string): LeaseTable
  /** Groups that have leases, KCL applications among them. Sorted. */
  listGroups(): Promise<string[]>
  /** Idempotent. */
  close(): Promise<void>
}

export interface LeaseSettings {
  readonly address: Pick<KinesisAddress, 'leases' | 'leasesEndpoint' | 'endpoint' | 'region'>
  readonly connection: AwsConnection
  readonly openTables: DriverOptions['openTables']
}

/** As the address says: DynamoDB, or a log or memory that needs no AWS. */
export function leaseStores({ address, connection, openTables }: LeaseSettings): LeaseStores {
  const { leases, leasesEndpoint, endpoint, region } = address
  if (leases.store === 'local') {
    // One log may serve several regions and emulators.
    return new EmbeddedStores(leases.address, `leases ${region ?? ''} ${endpoint ?? ''} `, openTables)
  }
  return new DynamoStores(new DynamoService(connection, leasesEndpoint ?? endpoint), leases.table)
}

class DynamoStores implements LeaseStores {
  readonly #service: DynamoService
  readonly #fixed: string | undefined

  constructor(service: DynamoService, fixed: string | undefined) {
    this.#service = service
    this.#fixed = fixed
  }

  table(group: string): LeaseTable {
    const name = this.#fixed ?? group
    if (name.length >= 3) return new DynamoTable(this.#service, name)
    throw new StreamError(
      'INVALID_ARGUMENT',
      `group '${group}': its leases are kept in a DynamoDB table of that name, which takes at least 3 characters: give it a longer name, or name the table by leases=TABLE`,
    )
  }

  listGroups(): Promise<string[]> {
    return findLeaseTables(this.#service, this.#fixed)
  }

  async close(): Promise<void> {
    this.#service.close()
  }
}

class EmbeddedStores implements LeaseStores {
  readonly #address: string
  readonly #prefix: string
  readonly #openTables: DriverOptions['openTables']
  #tables: Promise<LentTables> | undefined
  #isClosed = false

  constructor(address: string, prefix: string, openTables: DriverOptions['openTables']) {
    this.#address = address
    this.#prefix = prefix
    this.#openTables = openTables
  }

  table(group: string): LeaseTable {
    return new EmbeddedTable(() => this.#open(), `${this.#prefix}${group}`, `${group} in ${this.#address}`)
  }

  async listGroups(): Promise<string[]> {
    const tables = await (await this.#open()).listTables()
    return tables
      .filter((name) => name.startsWith(this.#prefix))
      .map((name) => name.slice(this.#prefix.length))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await (await this.#tables?.catch(() => undefined))?.close()
  }

  #open(): Promise<LentTables> {
    if (this.#isClosed) {
      throw new StreamError('CLOSED', 'the connection to the leases is closed: connect again')
    }
    if (this.#openTables === undefined) {
      throw new StreamError(
        'UNSUPPORTED',
        `leases=${this.#address} needs millrace's connect(), which opens it: use that, or a DynamoDB table`,
      )
    }
    if (this.#tables === undefined) {
      const opening = this.#openTables(this.#address)
      // What failed is tried again by the next.
      opening.catch(() => {
        if (this.#tables === opening) this.#tables = undefined
      })
      this.#tables = opening
    }
    return this.#tables
  }
}
