/** Agents that send garbage: the shim disconnects from them, and its command continues. */
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { encodeMessage, encodeRun } from './shim-messages.ts';
import { CHALLENGE_BYTES, encodeFrame } from './shim-protocol.ts';
import { SECRET, startContainer, type Container, type ContainerOptions } from './shim.testing.ts';

const containers: Container[] = [];
afterEach(async () => {
  for (const container of containers.splice(0)) await container.end();
});

async function open(options: ContainerOptions = {}): Promise<Container> {
  const container = await startContainer(options);
  containers.push(container);
  return container;
}

/** Accepts the shim, and sends bytes; resolves when the shim has closed the connection and complained. */
async function sendGarbage(container: Container, bytes: readonly Buffer[], words: RegExp): Promise<void> {
  const server = createServer();
  server.listen(container.socketPath);
  await once(server, 'listening');
  await chmod(container.socketPath, 0o666);
  const [socket] = (await once(server, 'connection')) as [Socket];
  server.close();
  socket.on('error', () => {});
  socket.resume();
  for (const piece of bytes) socket.write(piece);
  // `once` would reject: the shim has not read everything, so its end resets the connection.
  await new Promise((resolve) => socket.once('close', resolve));
  await expect.poll(() => container.complaints, { interval: 5 }).toMatch(words);
}

const number = (type: number, size = 0) => {
  const frame = Buffer.alloc(5 + size);
  frame.writeUInt32BE(size, 0);
  frame.writeUInt8(type, 4);
  return frame;
};
const run = (changes: object) =>
  encodeMessage('run', { arguments: 0, variables: 0, workingFolder: '/', graceMs: 1, secret: SECRET, ...changes });
const order = { command: ['echo'], variables: {}, workingFolder: '/', graceMs: 1, secret: SECRET } as const;

test('garbage before the command', async () => {
  const container = await open({ hasNoAgent: true });
  const tooMany = Array.from({ length: 9 }, () => encodeFrame('arguments', Buffer.alloc(2 ** 20)));
  const cases: readonly (readonly [readonly Buffer[], RegExp])[] = [
    [[Buffer.from('GET / HTTP/1.1\r\n\r\n')], /a frame has 1195725856 bytes, more than 1048576/],
    [[Buffer.alloc(64, 0xff)], /a frame has 4294967295 bytes/],
    [[number(99)], /the agent sent frame 99/],
    [[encodeFrame('run', Buffer.from('{'))], /unexpected end of JSON/],
    [[run({})], /without a program or without a secret/],
    [[encodeFrame('arguments', Buffer.from('sh\0')), run({ arguments: 1, secret: '' })], /without a secret/],
    [[encodeFrame('arguments', Buffer.from('sh\0')), run({ arguments: 2 })], /received 1 strings instead of 2/],
    [[encodeFrame('arguments', Buffer.from('sh')), run({ arguments: 1 })], /received 0 strings instead of 1/],
    [[run({ arguments: 'all' })], /cannot unmarshal string/],
    [tooMany, /more than 8388608 bytes of arguments/],
    [[encodeMessage('acknowledge', { acknowledged: 5 })], /acknowledged 5 bytes of output, not between 0 and 0/],
    [[encodeFrame('signal', Buffer.from('{"signal":1e99}'))], /cannot unmarshal number 1e99/],
  ];
  for (const [bytes, words] of cases) await sendGarbage(container, bytes, words);
  await container.listen();
  await container.accept();
  expect(await container.run(['sh', '-c', 'echo well; exit 3'])).toMatchObject({ end: { code: 3 }, output: 'well\n' });
  expect(await container.bye()).toBe(3);
});

test('garbage while the command runs', async () => {
  const container = await open();
  container.order(['sh', '-c', 'trap "" USR1; echo up; while [ ! -e go ]; do sleep 0.02; done; echo down; exit 4']);
  await container.untilWritten('up');
  container.disconnect();
  const challenge = encodeFrame('challenge', Buffer.alloc(CHALLENGE_BYTES));
  const resume = (acknowledged: unknown) => [challenge, encodeMessage('resume', { acknowledged })];
  const signals = [0, -1, 65, 1_000_000].map((signal) => encodeMessage('signal', { signal, killAfterMs: 0 }));
  const cases: readonly (readonly [readonly Buffer[], RegExp])[] = [
    [encodeRun(order), /frame 65 instead of a challenge/],
    [[challenge, challenge], /frame 67 instead of the position/],
    [resume('x'), /frame 68 instead of the position/],
    [resume(4), /acknowledged 4 bytes of output, not between 0 and 3/],
    [resume(-1), /acknowledged -1 bytes of output/],
    [[...resume(1), ...encodeRun(order)], /a second command/],
    [[...resume(1), ...signals, number(99)], /the agent sent frame 99/],
  ];
  for (const [bytes, words] of cases) await sendGarbage(container, bytes, words);
  expect(container.processes().length).toBeGreaterThan(0);
  await container.listen({ secret: SECRET, acknowledged: 3 });
  await container.accept();
  await writeFile(join(container.workingFolder, 'go'), '');
  expect(await container.outcome()).toMatchObject({ end: { code: 4, killed: false }, output: 'up\ndown\n' });
  expect(container.events).toEqual(['started', 'started', 'exited']);
  expect(await container.bye()).toBe(4);
});
