import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'

const connections = new WeakMap<object, Socket>()

/** Lets `cut` find the connection under a session of HTTP/2 or a TLS socket: neither can be broken by itself. */
export const standsOn = (view: object, connection: Socket): void => void connections.set(view, connection)

/** Breaks the whole connection by a reset, whichever protocol it speaks. */
export function cut(response: ServerResponse | Http2ServerResponse): void {
  const view = 'stream' in response ? response.stream.session : (response as ServerResponse).socket
  if (view == null) return
  const connection = connections.get(view) ?? (view as Socket)
  connection.resetAndDestroy()
}
