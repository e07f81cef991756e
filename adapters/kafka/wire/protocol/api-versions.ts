import type { Api } from '../wire.ts'

export interface ApiVersionsResponse {
  readonly errorCode: number
  readonly ranges: readonly {
    readonly apiKey: number
    readonly minVersion: number
    readonly maxVersion: number
  }[]
}

/** Version 2: the last one before headers that differ from those of all other requests. */
export const apiVersions: Api<Record<string, never>, ApiVersionsResponse> = {
  name: 'ApiVersions',
  key: 18,
  version: 2,
  flexible: false,
  encode() {},
  decode(from) {
    const errorCode = from.int16()
    const ranges = from.array(() => {
      return { apiKey: from.int16(), minVersion: from.int16(), maxVersion: from.int16() }
    })
    return { errorCode, ranges }
  },
}
