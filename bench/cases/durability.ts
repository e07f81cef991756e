/** What an acknowledged record survives, as the tables say it. */
export const KILL = 'kill -9; disk within 1 s'
export const SYSTEM = 'kill -9; disk when the system likes'
export const POWER = 'power loss: fsync before each acknowledgement'
export const NOTHING = 'nothing: memory'
