import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { zip } from '#lib/formats/zip.testing.ts';
import { expectCode } from '../suite.ts';
import { sha256, TestIndex } from '../testing.ts';
import { findUv, type UvProgramDependencies } from './uv-program.ts';
import type { UvRelease } from './uv-release.ts';

const file = 'uv-9.9.9-py3-none-any.whl';
const program = '#!/bin/sh\necho "uv 9.9.9 (test)"\n';
const wheel = zip({ 'uv/__init__.py': '', 'uv-9.9.9.data/scripts/uv': program + '#'.repeat(1000) });

function releaseOf(bytes: Buffer): UvRelease {
  const pinned = { file, bytes: bytes.length, sha256: sha256(bytes) };
  return { version: '9.9.9', wheels: { [`${process.platform}-${process.arch}`]: pinned } };
}

let folder: string;
let index: TestIndex;
let dependencies: UvProgramDependencies;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-uv-'));
  index = await new TestIndex([]).start();
  index.files.push({ file, bytes: wheel });
  dependencies = {
    folder,
    uv: undefined,
    wheelhouse: undefined,
    index: async () => ({ url: index.url }),
    // The guard does not check addresses of the operator.
    outbound: index.net.client({
      allowHosts: [],
      fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    }),
    release: releaseOf(wheel),
  };
});
afterEach(async () => {
  await index.end();
  await rm(folder, { recursive: true });
});

test('downloads uv once for concurrent callers, with progress', async () => {
  const notes: string[] = [];
  const progress = ({ note }: { note: string }) => notes.push(note);
  // All report progress: which of the three gets the lock first is not deterministic.
  const found = await Promise.all([1, 2, 3].map(() => findUv(dependencies, { progress })));
  expect(new Set(found)).toEqual(new Set([join(folder, 'uv', '9.9.9', 'uv')]));
  expect((await stat(found[0] ?? '')).mode & 0o111).toBe(0o111);
  expect(index.fetched).toBe(1);
  expect(notes.at(-1)).toContain('downloading uv 9.9.9');
  expect(await readdir(join(folder, 'uv', '9.9.9'))).toEqual(['uv']);
});

test('sends credentials to a private index', async () => {
  index.password = 'bob:secret';
  const credentials = { user: 'bob', password: 'secret' };
  await findUv({ ...dependencies, index: async () => ({ url: index.url, credentials }) }, {});
  const error = await expectCode(
    'upstream_failed',
    findUv(
      { ...dependencies, release: { ...dependencies.release, version: '9.9.8' }, folder: join(folder, 'other') },
      {},
    ),
  );
  expect(error.message).toContain('status 401');
});

test('rejects bytes that differ from the pinned digest', async () => {
  index.files[0] = { file, bytes: zip({ other: '' }) };
  const error = await expectCode('upstream_failed', findUv(dependencies, {}));
  expect(error.message).toMatch(/ended after \d+ of \d+ bytes|has SHA-256/);
  expect(await readdir(join(folder, 'uv', '9.9.9'))).not.toContain('uv');
});

test('uses and verifies a wheel of the wheelhouse', async () => {
  const wheelhouse = join(folder, 'wheels');
  const nothing = { ...dependencies, folder: join(folder, 'one'), wheelhouse, index: async () => undefined };
  const missing = await expectCode('invalid_config', findUv(nothing, {}));
  expect(missing.message).toContain('environments.wheelhouse');
  expect(missing.message).toContain('environments.uv');
  const path = join(folder, file);
  await writeFile(path, wheel);
  index.requests.length = 0;
  await findUv({ ...nothing, wheelhouse: folder }, {});
  await writeFile(path, 'other bytes');
  const wrong = await expectCode(
    'invalid_config',
    findUv({ ...nothing, folder: join(folder, 'two'), wheelhouse: folder }, {}),
  );
  expect(wrong.message).toContain('is pinned');
  expect(index.requests).toEqual([]);
});

test.each([
  ['that does not list it', (url: string) => url.replace('/simple', '/empty'), 'status 404'],
  ['that does not exist', () => 'http://127.0.0.1:1/simple', 'refuses the connection'],
])('names an index %s, with the relevant settings', async (_, change, reason) => {
  const error = await expectCode(
    'upstream_failed',
    findUv({ ...dependencies, index: async () => ({ url: change(index.url) }) }, {}),
  );
  expect(error.message).toContain(reason);
  for (const field of ['environments.index', 'outbound.proxy', 'environments.wheelhouse', 'environments.uv']) {
    expect(error.message).toContain(field);
  }
});

test('reports a platform without a wheel, and a wheel that does not run', async () => {
  await expectCode('invalid_config', findUv({ ...dependencies, release: { version: '9.9.9', wheels: {} } }, {}));
  const broken = zip({ 'uv-9.9.9.data/scripts/uv': '#!/bin/sh\necho no >&2; exit 1\n' });
  index.files[0] = { file, bytes: broken };
  const error = await expectCode('invalid_config', findUv({ ...dependencies, release: releaseOf(broken) }, {}));
  expect(error.message).toContain('does not run on this machine (no)');
});
