import type { CallContext } from '../service.ts'

export function describeLimits({ service }: CallContext): object {
  const streams = [...service.account.streams.values()]
  return {
    ShardLimit: 20_000,
    OpenShardCount: streams.reduce((sum, { open }) => sum + open.length, 0),
    OnDemandStreamCount: streams.filter(({ mode }) => mode === 'ON_DEMAND').length,
    OnDemandStreamCountLimit: 50,
  }
}
