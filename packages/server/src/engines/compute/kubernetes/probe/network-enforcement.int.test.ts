/** The script with which a test task connects, with each of the programs that an image can have. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { ensureProgram } from '../../../../../../../tools/debian-packages.mjs';
import { networkScript, readResults, type TestedAddress } from './network-enforcement.ts';

let server: Server;
let folder: string;
let addresses: readonly TestedAddress[];

beforeAll(async () => {
  busybox = await ensureProgram('The test connects with the nc of busybox.', ['busybox'], 'busybox-static');
  folder = await mkdtemp(join(tmpdir(), 'dais-network-'));
  server = createServer((socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const closed = createServer();
  closed.listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port: unused } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const { port } = server.address() as AddressInfo;
  const address = { host: '127.0.0.1', what: '', isSure: false, isExempt: false };
  addresses = [
    { ...address, name: 'service', port },
    { ...address, name: 'other', port: unused },
  ];
});
afterAll(async () => {
  server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Its nc is that of many small images. */
let busybox: string;
const find = (name: string) => ['/usr/bin', '/bin'].map((path) => join(path, name)).find((path) => existsSync(path));

test.each([
  ['python3', ['python3'], { service: 'open', other: 'closed' }],
  ['node', ['node'], { service: 'open', other: 'closed' }],
  ['nc', ['nc'], { service: 'open', other: 'closed' }],
  ['bash', ['bash', 'timeout'], { service: 'open', other: 'closed' }],
  ['nothing', [], { service: 'unknown', other: 'unknown' }],
])('%s', { timeout: 30_000 }, async (name, programs, expected) => {
  const [bin, work] = [join(folder, name, 'bin'), join(folder, name, 'work')];
  await mkdir(bin, { recursive: true });
  await mkdir(work);
  for (const program of [...programs, 'sh', 'cat']) {
    const path = program === 'node' ? process.execPath : program === 'nc' ? busybox : find(program);
    if (path === undefined) throw new Error(`This machine has no ${program}.`);
    await symlink(path, join(bin, program));
  }
  const { code, stderr } = await run(join(bin, 'sh'), ['-c', networkScript(addresses)], {
    cwd: work,
    env: { PATH: bin },
  });
  expect([code, stderr]).toEqual([0, '']);
  expect(Object.fromEntries(readResults(await readFile(join(work, 'network'), 'utf8')))).toEqual(expected);
});
