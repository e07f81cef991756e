import type {
  DynamoDBClient,
  DynamoDBClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb'
import type { Command } from '@smithy/types'
import { StreamError } from '../../../../src/driver.ts'
import { classify } from '../../classify.ts'
import type { AwsConnection } from '../../service/aws-connection.ts'

export type DynamoCommand<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Command<
  ServiceInputTypes,
  Input,
  ServiceOutputTypes,
  Output,
  DynamoDBClientResolvedConfig
>

type Sdk = typeof import('@aws-sdk/client-dynamodb')

const TIMEOUT_MS = 10_000
/** Renewals of many leases are due together. */
const MAX_SOCKETS = 64

/** DynamoDB by way of its SDK, loaded when it is first asked. Never retries. Rejects with `StreamError` alone. */
export class DynamoService {
  readonly #connection: AwsConnection
  readonly #endpoint: string | undefined
  #client: Promise<{ readonly sdk: Sdk; readonly client: DynamoDBClient }> | undefined
  #isClosed = false

  constructor(connection: AwsConnection, endpoint: string | undefined) {
    this.#connection = connection
    this.#endpoint = endpoint
  }

  /** `make` is given the SDK for its commands. */
  async call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    make: (sdk: Sdk) => DynamoCommand<Input, Output>,
    { timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number | undefined } = {},
  ): Promise<Output> {
    if (this.#isClosed) {
      throw new StreamError('CLOSED', 'the connection to the lease table is closed: connect again')
    }
    this.#client ??= this.#load()
    const { sdk, client } = await this.#client
    // It takes whole numbers only, and parts of a session need not be any.
    const signal = AbortSignal.timeout(Math.max(1, Math.round(timeoutMs)))
    try {
      return await client.send(make(sdk), { abortSignal: signal })
    } catch (error) {
      if (!signal.aborted) throw classify(error)
      throw new StreamError(
        'TIMEOUT',
        `DynamoDB did not answer within ${Math.round(timeoutMs)} ms: try again, and look at leasesEndpoint= and the network`,
        { cause: error },
      )
    }
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true
    void this.#client?.then(
      ({ client }) => client.destroy(),
      () => {},
    )
  }

  async #load(): Promise<{ sdk: Sdk; client: DynamoDBClient }> {
    let sdk: Sdk
    let handlers: typeof import('@smithy/node-http-handler')
    try {
      sdk = await import('@aws-sdk/client-dynamodb')
      handlers = await import('@smithy/node-http-handler')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
      throw new StreamError(
        'UNSUPPORTED',
        'groups on Kinesis keep their leases in DynamoDB, which needs a package: npm install @aws-sdk/client-dynamodb @smithy/node-http-handler, or use leases=log:DIR',
        { cause },
      )
    }
    const client = new sdk.DynamoDBClient({
      ...this.#connection,
      ...(this.#endpoint === undefined ? {} : { endpoint: this.#endpoint }),
      maxAttempts: 1,
      requestHandler: new handlers.NodeHttpHandler({
        connectionTimeout: 5_000,
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        // The SDK would warn on the console of sockets that are all in use.
        socketAcquisitionWarningTimeout: 0x7fffffff,
      }),
    })
    return { sdk, client }
  }
}
