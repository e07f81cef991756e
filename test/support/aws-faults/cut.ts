import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse, Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

const sockets = new WeakMap<Http2Session, Socket>()

/** Lets `cut` find the connection of a session: HTTP/2's own view of it cannot be broken. */
export const socketOf = (session: Http2Session, socket: Socket): void => void sockets.set(session, socket)

/** Breaks the whole connection by a reset, whichever protocol it speaks. */
export function cut(response: ServerResponse | Http2ServerResponse): void {
  const session = 'stream' in response ? response.stream.session : undefined
  const socket = session === undefined ? (response as ServerResponse).socket : sockets.get(session)
  socket?.resetAndDestroy()
}
