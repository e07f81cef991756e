export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  /** Parsed; `{}` for an empty one. */
  readonly body: Record<string, unknown>
}

/** One call without the SDK, so that the answer is seen as it is on the wire. */
export async function rawCall(endpoint: string, operation: string, input: object): Promise<RawAnswer> {
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `test/${date.slice(0, 8)}/us-east-1/kinesis/aws4_request`
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Kinesis_20131202.${operation}`,
      'x-amz-date': date,
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text === '' ? {} : JSON.parse(text) }
}
