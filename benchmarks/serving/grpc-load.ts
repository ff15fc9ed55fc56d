/** Calls of one method of gRPC over bare HTTP/2: a session for each connection, one stream of it after the other. */
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import { figuresOf, type Load } from './figures.ts';

/** Not compressed; then four bytes of length. */
const FRAME_HEAD = 5;

export function overGrpc(port: number, path: string, message: Buffer): Load {
  const frame = Buffer.alloc(FRAME_HEAD + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, FRAME_HEAD);
  const headers = {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    [constants.HTTP2_HEADER_TE]: 'trailers',
  };
  /** Whether it was answered with a message, and with status OK behind it. */
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
      const session = connect(`http://127.0.0.1:${port}`);
      // What is wrong with it is told to the stream too.
      session.on('error', () => {});
      try {
        for (let more = true; more;) {
          const sentAt = performance.now();
          more = answered(sentAt, await ask(session));
        }
      } catch {
        lost();
      } finally {
        session.destroy();
      }
    });
}
