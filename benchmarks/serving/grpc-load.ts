/** Calls of one gRPC method over bare HTTP/2: one stream after the other on each session. */
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import type { ConnectionMode } from '../lib/http-client.ts';
import { figuresOf, type Load } from '../lib/load.ts';

/** One byte for the compression, four for the length. */
const FRAME_HEAD = 5;

/** With `new`, the client opens a session for each call. */
export function overGrpc(port: number, path: string, message: Buffer, mode: ConnectionMode = 'kept'): Load {
  const frame = Buffer.alloc(FRAME_HEAD + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, FRAME_HEAD);
  const headers = {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
  };
  /** Resolves to whether the response has a message and status OK. */
  const ask = async (session: ClientHttp2Session): Promise<boolean> =>
    await new Promise<boolean>((resolve, reject) => {
      const stream = session.request(headers);
      let bytes = 0;
      let status: unknown;
      stream.on('response', (head) => (status = head['grpc-status']));
      stream.on('trailers', (tail) => (status = tail['grpc-status']));
      stream.on('data', (piece: Buffer) => (bytes += piece.length));
      stream.once('error', reject);
      stream.once('close', () => resolve(status === '0' && bytes > FRAME_HEAD));
      stream.end(frame);
    });
  return async (connections, seconds) =>
    await figuresOf(connections, seconds, async ({ answered, lost }) => {
      let sentAt = performance.now();
      let session = open(port);
      try {
        while (answered(sentAt, await ask(session))) {
          sentAt = performance.now();
          if (mode === 'kept') continue;
          session.destroy();
          session = open(port);
        }
      } catch {
        lost();
      } finally {
        session.destroy();
      }
    });
}

function open(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  // The stream reports the errors of its session too.
  session.on('error', () => {});
  return session;
}
