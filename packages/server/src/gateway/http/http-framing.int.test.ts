/** The known forms of request smuggling over real TCP connections, read by the fast path and by Node alone. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { RecordingServer, type Reader } from '../testing/framing.ts';
import { SECOND, smugglingCases, type SmugglingCase } from '../testing/smuggling-corpus.ts';

const readers: readonly Reader[] = ['fast path', 'main port', 'node'];

describe.each(readers)('%s', (reader) => {
  test.each(smugglingCases)('$name', async (one) => {
    expect(await send(one, reader)).toEqual({ targets: one.targets, closed: one.refused });
  });
});

/** The server closes the connection, or has answered everything that it is expected to see. */
async function send({ bytes, targets, refused }: SmugglingCase, reader: Reader) {
  const recording = new RecordingServer();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    recording.accept(socket, reader);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let closed = false;
  let received = '';
  client.on('error', () => {});
  client.on('data', (chunk) => (received += chunk.toString('latin1')));
  client.on('close', () => (closed = true));
  client.write(Buffer.from(bytes + SECOND, 'latin1'));
  const responses = () => [...received.matchAll(/HTTP\/1\.1 \d{3} /g)].length;
  await expect.poll(() => closed || (!refused && responses() >= targets.length)).toBe(true);
  // A request too many would be answered in the turns that follow.
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  const outcome = { targets: recording.requests.map(({ url }) => url), closed };
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  return outcome;
}
