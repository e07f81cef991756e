import type { PartitionLogOptions } from '../storage/partition-log.ts'
import type { TopicSettings } from './topics/topic-settings.ts'

/** What all partitions of a log have in common. */
export type CommonLogOptions = Omit<PartitionLogOptions, keyof TopicSettings>
