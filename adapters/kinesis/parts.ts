import type {
  AssignmentEvents,
  DriverReaderOptions,
  GroupMember,
  JoinOptions,
  Logger,
  PartitionReader,
} from '../../src/driver.ts'
import type { KinesisAddress } from './address.ts'
import type { AwsConnection } from './service/aws-connection.ts'
import type { KinesisService } from './service/service.ts'
import type { StreamCatalog } from './shards/stream-catalog.ts'

// What the adapter's parts know of each other. `driver.ts` composes them:
//   records/    bytes: aggregates as KPL writes them, tags, keys        (knows nothing of the others)
//   service/    the SDK's clients, errors, the service's clock          (knows nothing of the others)
//   shards/     the live map of a stream's shards, hash keys            (service)
//   producing/  export class KinesisProducer implements DriverProducer { constructor(kinesis, options, onClose) }
//   reading/    export const openReader: OpenReader
//   leasing/    export const joinGroup: JoinGroup, export class KinesisGroups implements DriverGroups { constructor(kinesis, stores) }
//   admin/      export class KinesisAdmin implements DriverAdmin { constructor(kinesis) }

/** An open backend, as every part is given it. One a driver. */
export interface Kinesis {
  readonly address: string
  readonly settings: KinesisAddress
  /** Region and credentials, for whoever makes another client of the SDK. */
  readonly connection: AwsConnection
  readonly service: KinesisService
  readonly streams: StreamCatalog
  readonly logger: Logger
}

export type OpenReader = (
  kinesis: Kinesis,
  options: DriverReaderOptions,
  onClose: (reader: PartitionReader) => void,
) => Promise<PartitionReader>

export type JoinGroup = (
  kinesis: Kinesis,
  options: JoinOptions,
  events: AssignmentEvents,
  onClose: (member: KinesisGroupMember) => void,
) => Promise<KinesisGroupMember>

export interface KinesisGroupMember extends GroupMember {
  /** Ends at once, without drain: the driver closes. Its leases are left to expire. Idempotent. */
  stop(): Promise<void>
}
