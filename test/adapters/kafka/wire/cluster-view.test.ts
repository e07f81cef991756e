import { expect, test } from 'vitest'
import { ClusterView } from '../../../../adapters/kafka/wire/cluster-view.ts'

function viewOf(...leaders: number[]): ClusterView {
  const view = new ClusterView()
  const partitions = leaders.map((leader, id) => ({
    errorCode: 0,
    id,
    leader,
    leaderEpoch: 0,
    replicas: [leader],
    inSync: [leader],
  }))
  const brokers = [1, 2].map((node) => ({ node, host: 'h', port: node, rack: null }))
  const topics = [{ errorCode: 0, name: 't', id: 'i', internal: false, partitions }]
  view.update({ brokers, clusterId: null, controller: 1, topics }, 5)
  return view
}

const leadersIn = (view: ClusterView): number[] | undefined =>
  view.topic('t')?.partitions.map(({ leader }) => leader)

test('a leader that has moved is forgotten alone', () => {
  const view = viewOf(1, 2, 1)
  view.forgetLeader('t', 2)
  expect(leadersIn(view)).toEqual([1, 2, -1])
  expect(view.topic('t')!.asOf).toBe(Number.NEGATIVE_INFINITY)
})

test('a node that is lost takes its own partitions and coordinators with it', () => {
  const view = viewOf(1, 2, 1)
  view.coordinators.set('group/a', 1).set('group/b', 2)
  view.forgetNode(1)
  expect(leadersIn(view)).toEqual([-1, 2, -1])
  expect([...view.coordinators.keys()]).toEqual(['group/b'])
  expect(view.controller).toBe(-1)
})
