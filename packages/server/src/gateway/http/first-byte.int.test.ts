import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { chooseByFirstByte } from './first-byte.ts';

const outer = Object.values(networkInterfaces())
  .flatMap((found) => found ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

async function chosenAt(address: string, text: string): Promise<string> {
  const server = createServer((socket) => {
    const answer = (which: string) => () => socket.end(which);
    chooseByFirstByte(socket, { secure: answer('secure'), plain: answer('plain') });
  });
  server.listen(0, address);
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, address);
  let received = '';
  client.on('error', () => {});
  client.on('data', (bytes) => (received += bytes.toString('utf8')));
  client.write(text);
  await once(client, 'close');
  await new Promise((resolve) => server.close(resolve));
  return received;
}

test.each([
  ['GET / HTTP/1.1', 'plain'],
  ['\u0016\u0003\u0001', 'secure'],
])('on the loopback device, %j is read as %s', async (text, expected) => {
  expect(await chosenAt('127.0.0.1', text)).toBe(expected);
});

test.runIf(outer !== undefined)(
  'a port at one address of this machine accepts plain HTTP from this machine',
  async () => {
    expect(await chosenAt(outer ?? '', 'GET / HTTP/1.1')).toBe('plain');
  },
);
