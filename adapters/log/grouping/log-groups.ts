import type { DriverGroups, From, GroupDescription } from '../../../src/driver.ts'
import type { BrokerLink } from '../broker-link.ts'
import { toPlainFrom } from '../offsets.ts'

/** The groups of a log, for administration. */
export class LogGroups implements DriverGroups {
  readonly #link: BrokerLink

  constructor(link: BrokerLink) {
    this.#link = link
  }

  async listGroups(): Promise<string[]> {
    return (await this.#link.listGroups({})).groups
  }

  async describeGroup(group: string): Promise<GroupDescription> {
    const { partitions, ...info } = await this.#link.describeGroup({ group })
    return {
      ...info,
      partitions: partitions.map(({ checkpoint, lag, state, ...partition }) => ({
        ...partition,
        checkpoint: String(checkpoint),
        position: String(checkpoint),
        lag: { records: lag },
        state: state === null ? null : Buffer.from(state, 'base64'),
      })),
    }
  }

  async seekGroup(
    group: string,
    topic: string,
    to: From,
    { partition, force }: { readonly partition?: string; readonly force?: boolean },
  ): Promise<void> {
    const named = partition === undefined ? {} : { partition }
    await this.#link.seekGroup({ group, topic, to: toPlainFrom(to), force: force === true, ...named })
  }

  deleteGroup(group: string): Promise<void> {
    return this.#link.deleteGroup({ group })
  }
}
