/** Environments on their way into pods: packed here, unpacked by the agent under another path. */
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createHash, randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { run } from '#lib/process.ts';
import { SmallDisk } from '#testing/small-disk.ts';
import { DaisClient } from './agent/dais-client.ts';
import { TestDais } from './agent/dais.testing.ts';
import { stageEnvironment } from './agent/environment-stager.ts';
import type { AgentEnvironment } from './agent-api.ts';
import { packEnvironment, type SystemLink } from './environment-archive.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'dais-environment-'))));
afterEach(async () => await rm(folder, { recursive: true, force: true }));

/** Writes an environment as uv does: links to its interpreter, and scripts that contain its path. */
async function writeEnvironment(): Promise<{ readonly environment: string; readonly python: string }> {
  const [environment, python] = [join(folder, 'environment'), join(folder, 'python')];
  const packages = join(environment, 'lib/python3.12/site-packages');
  await Promise.all(
    [join(environment, 'bin'), packages, join(python, 'bin')].map((path) => mkdir(path, { recursive: true })),
  );
  await mkdir(join(packages, 'empty'));
  await writeFile(join(python, 'bin/python3.12'), '#!/bin/sh\necho "$1 ran"\n', { mode: 0o755 });
  await symlink('python3.12', join(python, 'bin/python3'));
  await symlink(join(python, 'bin/python3.12'), join(environment, 'bin/python'));
  await symlink('/usr/bin/env', join(environment, 'bin/env'));
  await writeFile(join(environment, 'bin/tool'), `#!${environment}/bin/python\n`, { mode: 0o755 });
  await writeFile(join(environment, 'pyvenv.cfg'), `home = ${python}/bin\nversion = 3.12.1\n`);
  await writeFile(join(packages, 'data.bin'), Buffer.from([0, 1, 2, 255]), { mode: 0o444 });
  await writeFile(join(packages, `${'long-name-'.repeat(15)}.py`), 'x = 1\n');
  return { environment, python };
}

async function stage(archive: Buffer, more: Partial<AgentEnvironment> & { readonly links?: readonly SystemLink[] }) {
  const root = join(folder, 'pod');
  await mkdir(root, { recursive: true });
  const environment: AgentEnvironment = {
    folder: root,
    input: 0,
    size: archive.length,
    sha256: createHash('sha256').update(archive).digest('hex'),
    unpackedBytes: 1 << 20,
    links: [],
    libraries: [],
    ...more,
  };
  const limits = { logBytes: 1, graceMs: 1, collectMs: 1 };
  const dais = new TestDais(
    { command: ['true'], variables: {}, secretVariables: {}, path: [], inputs: [], outputs: [], limits, environment },
    [archive],
  );
  await dais.start();
  const client = new DaisClient({
    url: dais.url,
    attempt: 'a-1',
    round: 1,
    pod: { name: 'pod', uid: 'uid', ip: '10.0.0.1', node: 'node' },
    tokenFile: join(folder, 'token'),
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    renewed: () => {},
  });
  client.useSession(dais.session);
  try {
    await stageEnvironment(client, environment, AbortSignal.timeout(20_000));
    return root;
  } finally {
    client.close();
    await dais.stop();
  }
}

test('an environment works under another path: links, scripts, modes, empty folders, long names', async () => {
  const { environment, python } = await writeEnvironment();
  const pod = join(folder, 'pod');
  const packed = await packEnvironment(
    {
      folders: [environment, python, '/usr'],
      path: [`${environment}/bin`],
      variables: { VIRTUAL_ENV: environment, N: '1' },
    },
    pod,
  );
  expect([packed.path, packed.variables]).toEqual([[`${pod}/0/bin`], { VIRTUAL_ENV: `${pod}/0`, N: '1' }]);
  const { unpackedBytes, links } = packed;
  expect(links).toEqual([{ path: '0/bin/env', to: expect.stringMatching(/^\/usr\/bin\//) }]);
  const root = await stage(await buffer(packed.bytes), { unpackedBytes, links });
  // The folders on this machine are not needed any more.
  await Promise.all([environment, python].map((path) => rm(path, { recursive: true })));
  const { code, stdout } = await run(join(root, '0/bin/tool'), [], { timeoutMs: 5000 });
  expect([code, String(stdout)]).toEqual([0, `${root}/0/bin/tool ran\n`]);
  expect(await readlink(join(root, '0/bin/python'))).toBe('../../1/bin/python3.12');
  expect(await readFile(join(root, '0/pyvenv.cfg'), 'utf8')).toBe(`home = ${root}/1/bin\nversion = 3.12.1\n`);
  const packages = join(root, '0/lib/python3.12/site-packages');
  expect(await readFile(join(packages, 'data.bin'))).toEqual(Buffer.from([0, 1, 2, 255]));
  expect((await stat(join(packages, 'data.bin'))).mode & 0o777).toBe(0o644);
  expect((await lstat(join(packages, 'empty'))).isDirectory()).toBe(true);
  expect(await readFile(join(packages, `${'long-name-'.repeat(15)}.py`), 'utf8')).toBe('x = 1\n');
});

test('a link that leads to other files of this machine is refused', async () => {
  const { environment, python } = await writeEnvironment();
  await writeFile(join(folder, 'secret'), 'secret');
  await symlink(join(folder, 'secret'), join(environment, 'lib/link'));
  await expect(packEnvironment({ folders: [environment, python], path: [], variables: {} }, '/pod')).rejects.toThrow(
    `lib/link of the environment leads to ${folder}/secret, which pods do not have.`,
  );
});

test.each([
  ['a path outside', { name: '../outside', size: 1, type: 'file' as const }, 'x'],
  ['a link outside', { name: 'link', size: 0, type: 'symlink' as const, linkname: '/etc' }, undefined],
])('an archive with %s is refused', async (_, header, body) => {
  const tar = await packTar([{ header, ...(body !== undefined && { body }) }]);
  await expect(stage(zstdCompressSync(tar), {})).rejects.toThrow('The environment cannot be unpacked');
  await expect(lstat(join(folder, 'outside'))).rejects.toThrow('ENOENT');
});

test('other bytes than those that were stored, and more than announced, are refused', async () => {
  const tar = zstdCompressSync(await packTar([{ header: { name: 'file', size: 1, type: 'file' }, body: 'x' }]));
  await expect(stage(tar, { sha256: '0'.repeat(64) })).rejects.toThrow('The environment differs from what Dais stored');
  const large = await packTar([
    { header: { name: 'file', size: 80 << 20, type: 'file' }, body: new Uint8Array(80 << 20) },
  ]);
  await expect(stage(zstdCompressSync(large), { unpackedBytes: 1 })).rejects.toThrow(
    'The archive is larger than announced',
  );
});

test('a full disk of the node is a loss with its size, and is not fetched again', async () => {
  const disk = await SmallDisk.mount(join(folder, 'pod'), 1 << 20);
  try {
    const body = randomBytes(4 << 20);
    const tar = zstdCompressSync(await packTar([{ header: { name: 'file', size: body.length, type: 'file' }, body }]));
    await expect(stage(tar, { unpackedBytes: body.length })).rejects.toThrow(
      'The environment of 4 MiB could not be written to the disk of the node (ENOSPC).',
    );
  } finally {
    await disk.unmount();
  }
});

test('a folder that cannot be emptied is a loss', async () => {
  const disk = await SmallDisk.mount(join(folder, 'pod'), 1 << 20);
  try {
    await writeFile(join(folder, 'pod/old'), 'x');
    await disk.remount('ro');
    const tar = zstdCompressSync(await packTar([{ header: { name: 'file', size: 1, type: 'file' }, body: 'x' }]));
    await expect(stage(tar, {})).rejects.toThrow('could not be written to the disk of the node (EROFS)');
  } finally {
    await disk.unmount();
  }
});

test('an environment that changes while it is packed is not stored', async () => {
  const { environment, python } = await writeEnvironment();
  const packages = join(environment, 'lib/python3.12/site-packages');
  const names = Array.from({ length: 40 }, (_, index) => join(packages, `data-${index}.bin`));
  for (const name of names) await writeFile(name, randomBytes(1 << 20));
  const { bytes } = await packEnvironment({ folders: [environment, python], path: [], variables: {} }, '/pod');
  for (const name of names) await rm(name);
  await expect(buffer(bytes)).rejects.toThrow('The environment changed while it was packed.');
});

test('an environment of a data folder below /opt is packed', async () => {
  const below = await mkdtemp('/opt/dais-environment-');
  try {
    await mkdir(join(below, 'bin'));
    await writeFile(join(below, 'bin/tool'), 'tool', { mode: 0o755 });
    const environment = { folders: [below, '/usr'], path: [join(below, 'bin')], variables: {} };
    const { bytes, unpackedBytes, path } = await packEnvironment(environment, join(folder, 'pod'));
    expect(path).toEqual([join(folder, 'pod/0/bin')]);
    const root = await stage(await buffer(bytes), { unpackedBytes });
    expect(await readFile(join(root, '0/bin/tool'), 'utf8')).toBe('tool');
  } finally {
    await rm(below, { recursive: true });
  }
});

test('20,000 small files are unpacked', { timeout: 60_000 }, async () => {
  const { environment, python } = await writeEnvironment();
  for (let index = 0; index < 200; index += 1) {
    const module = join(environment, `lib/python3.12/site-packages/package${index}`);
    await mkdir(module);
    await Promise.all(Array.from({ length: 100 }, (_, file) => writeFile(join(module, `${file}.py`), `x = ${file}\n`)));
  }
  const { bytes, unpackedBytes } = await packEnvironment(
    { folders: [environment, python], path: [], variables: {} },
    join(folder, 'pod'),
  );
  const root = await stage(await buffer(bytes), { unpackedBytes });
  const packages = join(root, '0/lib/python3.12/site-packages');
  expect(await readFile(join(packages, 'package199/99.py'), 'utf8')).toBe('x = 99\n');
  const names = await readdir(packages, { recursive: true });
  expect(names.filter((name) => name.endsWith('.py'))).toHaveLength(20_001);
});
