import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, start, type ChildProcess } from '#lib/process.ts';
import { findOnPath } from './find-on-path.ts';
import { withSocketDiagnosis } from './socket-diagnosis.ts';

/** A server that answers each connection with the owner of its peer: by a query, and by the table of all sockets. */
const PROGRAM = `
import { createServer } from 'node:net';
import { inheritedSocketDiagnosis } from ${JSON.stringify(new URL('socket-diagnosis.ts', import.meta.url).href)};
import { peerUid, readTcpTable } from ${JSON.stringify(new URL('tcp-table.ts', import.meta.url).href)};
const diagnosis = inheritedSocketDiagnosis(process.argv);
const ends = ({ remoteAddress, remotePort, localAddress, localPort }) => ({
  peerAddress: remoteAddress, peerPort: remotePort, ownAddress: localAddress, ownPort: localPort,
});
const ownersOf = async (connection) => [
  diagnosis?.peerOwner(connection),
  peerUid(await readTcpTable(new Set([connection.peerPort])), connection),
];
const answer = async (socket, text) => {
  const connection = text === 'who' ? ends(socket) : JSON.parse(text);
  socket.end(JSON.stringify(await ownersOf(connection).catch(String)));
};
const report = async (connection) => {
  console.log(JSON.stringify(await ownersOf(connection)));
};
const server = createServer({ allowHalfOpen: true }, (socket) => {
  const connection = ends(socket);
  socket.on('error', () => {});
  socket.on('data', (bytes) => void answer(socket, String(bytes)));
  socket.on('end', () => void report(connection));
});
server.listen(0, process.argv[1], () => console.log(server.address().port));
`;

const perl = findOnPath('perl');
let child: ChildProcess | undefined;
let lines: string[];

async function startProgram(host: string, through: string | undefined): Promise<number> {
  const command = [process.execPath, '--input-type=module', '-e', PROGRAM, '--', host];
  const [file = '', ...args] = through === undefined ? command : withSocketDiagnosis(through, command);
  child = start(file, args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.on('data', (bytes: Buffer) => lines.push(...bytes.toString('utf8').trim().split('\n')));
  await expect.poll(() => lines.length).toBe(1);
  return Number(lines[0]);
}

beforeEach(() => {
  lines = [];
});
afterEach(async () => {
  if (child?.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'close');
});

/** Sends a text and returns the answer. */
async function ask(host: string, port: number, text: string): Promise<unknown> {
  const socket = connect(port, host);
  socket.write(text);
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return JSON.parse(bytes.toString('utf8'));
}

const own = process.geteuid?.();

// Perl is optional: without it, the table is read.
test.runIf(perl !== undefined).each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  // A socket of the other family, as a server at all addresses has.
  ['::', '127.0.0.1'],
])('reports the owner of a peer at %s that connects to %s', async (host, target) => {
  const port = await startProgram(host, perl);
  expect(await ask(target, port, 'who')).toEqual([{ uid: own }, own]);
});

test.runIf(perl !== undefined && own === 0)('reports another user', async () => {
  const port = await startProgram('127.0.0.1', perl);
  const program = `const socket = require('node:net').connect(${port}, '127.0.0.1');
    socket.on('data', (bytes) => { console.log(String(bytes)); socket.destroy(); });
    socket.write('who');`;
  const { stdout } = await run(process.execPath, ['-e', program], { uid: 65_534, gid: 65_534, env: {} });
  expect(JSON.parse(stdout.toString('utf8'))).toEqual([{ uid: 65_534 }, 65_534]);
});

test.runIf(perl !== undefined)('reports no owner of a peer whose process has closed its socket', async () => {
  const port = await startProgram('127.0.0.1', perl);
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  await expect.poll(() => lines[1]).toBe('[{},null]');
});

test.runIf(perl !== undefined)('reports no owner for a port at which another process listens', async () => {
  const port = await startProgram('127.0.0.1', perl);
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  try {
    const peerPort = (listener.address() as AddressInfo).port;
    const request = { peerAddress: '127.0.0.1', peerPort, ownAddress: '127.0.0.1', ownPort: port };
    expect(await ask('127.0.0.1', port, JSON.stringify(request))).toEqual([{}, null]);
  } finally {
    listener.close();
  }
});

test.runIf(perl !== undefined)('reports no owner for a connection that does not exist', async () => {
  const port = await startProgram('127.0.0.1', perl);
  const request = { peerAddress: '127.0.0.1', peerPort: 1, ownAddress: '127.0.0.1', ownPort: port };
  expect(await ask('127.0.0.1', port, JSON.stringify(request))).toEqual([null, null]);
});

test('a program without the launcher has no socket for queries, and reads the table', async () => {
  const port = await startProgram('127.0.0.1', undefined);
  expect(await ask('127.0.0.1', port, 'who')).toEqual([null, own]);
});
