/** Ends the connections of a gRPC server without failing a call. */
import type { ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Server } from '@grpc/grpc-js';
import type { Clock } from '../clock.ts';

/**
 * The largest stream ID: the client starts no more calls on the connection, and all that it has started until it receives the frame are
 * answered (RFC 9113 §6.8).
 */
const NO_MORE_STREAMS = 2 ** 31 - 1;
/** For the frame to reach the client, and for its last calls to arrive here (ms). */
export const ARRIVAL_MS = 500;

export interface GrpcEnd {
  readonly server: Server;
  /** All open connections. */
  readonly sockets: () => Iterable<Socket>;
  readonly clock: Clock;
}

/**
 * Asks the clients of all open connections to send further calls over other ones. `Server.tryShutdown` alone closes idle connections at once: a
 * call that is on its way to one of them then fails with `ECONNRESET`.
 */
export function askClientsToLeave(server: Server): void {
  for (const session of sessionsOf(server)) {
    if (!session.closed && !session.destroyed) session.goaway(0, NO_MORE_STREAMS);
  }
}

/** Waits for running calls, for at most `deadlineMs`; then closes every connection. The caller has stopped listening. */
export async function endGrpc({ server, sockets, clock }: GrpcEnd, deadlineMs: number): Promise<void> {
  askClientsToLeave(server);
  const closed = whenClosed(sockets());
  const isClosed = await within(closed, Math.min(ARRIVAL_MS, deadlineMs), clock);
  // From Node 24 on, the library reports the end while calls still run (nodejs/node#57586). Each session closes its socket after its last
  // call, so the sockets report the end.
  server.tryShutdown(() => {});
  if (!isClosed && !(await within(closed, deadlineMs, clock))) server.forceShutdown();
  for (const socket of sockets()) socket.destroy();
}

async function whenClosed(sockets: Iterable<Socket>): Promise<void> {
  await Promise.all(
    [...sockets].map(
      async (socket) =>
        await new Promise<void>((resolve) => {
          if (socket.closed) resolve();
          else socket.once('close', () => resolve());
        }),
    ),
  );
}

/** Returns whether it resolved in time. */
async function within(promise: Promise<void>, ms: number, clock: Clock): Promise<boolean> {
  return await new Promise((resolve) => {
    const cancel = clock.after(ms, () => resolve(false));
    void promise.then(() => {
      cancel();
      resolve(true);
    });
  });
}

/** The library has no public access to its sessions (grpc-js 1.14). Without them, `tryShutdown` is all that remains. */
function sessionsOf(server: Server): readonly ServerHttp2Session[] {
  const { http2Servers } = server as unknown as {
    readonly http2Servers?: ReadonlyMap<unknown, { readonly sessions?: ReadonlySet<ServerHttp2Session> }>;
  };
  return [...(http2Servers?.values() ?? [])].flatMap(({ sessions }) => [...(sessions ?? [])]);
}
