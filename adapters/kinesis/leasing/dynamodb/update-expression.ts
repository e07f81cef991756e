import type { AttributeValue, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb'
import { formatCheckpoint } from '../../positions.ts'
import type { LeaseChange, LeaseCondition } from '../tables/lease-table.ts'
import { kclPair, OURS, sessionText } from './lease-item.ts'

type Expressions = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>

/** An update in DynamoDB's words. */
export function updateExpression(condition: LeaseCondition, change: LeaseChange): Expressions {
  const names = new Map<string, string>()
  const values: Record<string, AttributeValue> = {}
  const name = (attribute: string): string => {
    let short = names.get(attribute)
    if (short === undefined) names.set(attribute, (short = `#${names.size}`))
    return short
  }
  const value = (of: AttributeValue): string => {
    const short = `:${Object.keys(values).length}`
    values[short] = of
    return short
  }
  const sets: string[] = []
  const removes: string[] = []
  const set = (attribute: string, of: AttributeValue): void => {
    sets.push(`${name(attribute)} = ${value(of)}`)
  }
  const remove = (attribute: string): void => {
    removes.push(name(attribute))
  }

  const isOrAbsent = (attribute: string, of: string | null): string =>
    of === null ? `attribute_not_exists(${name(attribute)})` : `${name(attribute)} = ${value({ S: of })}`
  const conditions = [`attribute_exists(${name('leaseKey')})`]
  if (condition.counter !== undefined) {
    conditions.push(`${name('leaseCounter')} = ${value({ N: String(condition.counter) })}`)
  }
  if (condition.owner !== undefined) conditions.push(isOrAbsent('leaseOwner', condition.owner))
  if (condition.checkpointOwner !== undefined) {
    conditions.push(isOrAbsent('checkpointOwner', condition.checkpointOwner))
  }
  if (condition.worker !== undefined) {
    const worker = value({ S: condition.worker })
    const [owner, checkpointOwner] = [name('leaseOwner'), name('checkpointOwner')]
    conditions.push(
      `(${checkpointOwner} = ${worker} OR (${owner} = ${worker} AND attribute_not_exists(${checkpointOwner})))`,
    )
  }

  const { counter, owner, checkpointOwner, checkpoint, children, state, sessionMs } = change
  if (counter !== undefined) set('leaseCounter', { N: String(counter) })
  if (owner === null) {
    remove('leaseOwner')
    remove(OURS.session)
  } else if (owner !== undefined) {
    set('leaseOwner', { S: owner })
    if (sessionMs !== undefined) set(OURS.session, { S: sessionText(sessionMs, owner) })
  }
  if (checkpointOwner === null) remove('checkpointOwner')
  else if (checkpointOwner !== undefined) set('checkpointOwner', { S: checkpointOwner })
  if (checkpoint !== undefined) {
    const { sequence, sub } = kclPair(checkpoint)
    set('checkpoint', { S: sequence })
    set('checkpointSubSequenceNumber', { N: String(sub) })
    set('ownerSwitchesSinceCheckpoint', { N: '0' })
    set(OURS.checkpoint, { S: formatCheckpoint(checkpoint) })
    for (const pending of ['', 'SubSequenceNumber', 'State']) remove(`pendingCheckpoint${pending}`)
  }
  if (change.switched !== undefined) {
    const switches = name('ownerSwitchesSinceCheckpoint')
    sets.push(`${switches} = if_not_exists(${switches}, ${value({ N: '0' })}) + ${value({ N: '1' })}`)
  }
  if (children !== undefined && children.length > 0) set('childShardIds', { SS: [...children] })
  if (state === null) remove(OURS.state)
  else if (state !== undefined) set(OURS.state, { B: state })
  if (change.firstSightDone !== undefined) remove(OURS.firstSight)

  return {
    UpdateExpression: [
      ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
      ...(removes.length > 0 ? [`REMOVE ${removes.join(', ')}`] : []),
    ].join(' '),
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: Object.fromEntries(
      Array.from(names, ([attribute, short]) => [short, attribute]),
    ),
    // Refused where it is there and empty.
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
  }
}
