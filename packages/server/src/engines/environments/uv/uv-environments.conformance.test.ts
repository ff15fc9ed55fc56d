import type { IncomingMessage, ServerResponse } from 'node:http';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DaisError } from '@dais/api';
import { afterAll, describe, expect, test } from 'vitest';
import { silentLog } from '#lib/log.ts';
import type { OutboundErrorCode } from '#lib/outbound/error-code.ts';
import { run } from '#lib/process.ts';
import { findPython } from '../../../../../../tools/python.mjs';
import { uv } from '../../../../../../tools/uv.mjs';
import type { BuiltEnvironment, PythonSpec } from '../contract.ts';
import { environmentsSuite, expectCode, SUITE_PACKAGES } from '../suite.ts';
import { packageFile, TestIndex, type TestPackage } from '../testing.ts';
import { openUvEnvironments, type UvOptions } from './uv-environments.ts';

/** One Python without shims. */
const PATH = `${dirname((await findPython()).path)}:/usr/bin:/bin`;
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-environments-'));
  ends.push(async () => {
    await run('chmod', ['-R', 'u+w', folder], { env: { PATH } });
    await rm(folder, { recursive: true });
  });
  return folder;
}

async function options(index: TestIndex, more: Partial<UvOptions> = {}): Promise<UvOptions> {
  return {
    folder: await temporary(),
    maxBytes: 2 ** 34,
    uv: await uv(),
    index: index.url,
    sourceBuilds: 'never',
    outbound: index.net.client({
      fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    }),
    environment: { PATH },
    now: () => Date.now(),
    log: silentLog,
    ...more,
  };
}

const python = (requirements: readonly string[], more: Partial<PythonSpec> = {}): PythonSpec => ({
  type: 'python',
  requirements,
  indexes: [],
  ...more,
});

async function runIn(built: BuiltEnvironment, program: string, args: readonly string[]): Promise<string> {
  const env = { PATH: [...built.path, '/usr/bin', '/bin'].join(':'), ...built.variables };
  const { code, stdout, stderr } = await run('env', [program, ...args], { env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout.toString();
}

environmentsSuite('uv', async () => {
  const index = await new TestIndex(SUITE_PACKAGES).start();
  const shared = await options(index);
  return {
    environments: openUvEnvironments(shared),
    second: () => openUvEnvironments(shared),
    spec: python,
    run: runIn,
    end: async () => await index.end(),
  };
});

async function serve(packages: readonly TestPackage[]): Promise<TestIndex> {
  const index = await new TestIndex(packages).start();
  ends.push(async () => await index.end());
  return index;
}

const alpha: TestPackage = { name: 'alpha', version: '1.0' };

describe('private indexes', () => {
  const credentials = { user: 'bob', password: 's3cret/word' };

  test('receive the credentials of the call, which appear nowhere else', async () => {
    const open = await serve([]);
    const index = await serve([alpha]);
    index.password = 'bob:s3cret/word';
    const environments = openUvEnvironments(await options(open));
    const spec = python(['alpha'], { indexes: [{ url: `${index.url}/` }] });
    const reported: string[] = [];
    const call = {
      credentials: [{ url: index.url, ...credentials }],
      progress: ({ note }: { note: string }) => reported.push(note),
    };
    const lock = await environments.lock(spec, call);
    const built = await environments.build(lock, call);
    expect(await runIn(built, 'alpha-version', [])).toBe('1.0\n');
    await built.release();
    expect(JSON.stringify([lock, built, reported])).not.toContain('s3cret');
    expect(index.requests.filter((path) => path.startsWith('401'))).toEqual([]);
  });

  test('report missing or wrong credentials without showing them', async () => {
    const index = await serve([alpha]);
    index.password = 'bob:other';
    const environments = openUvEnvironments(await options(await serve([])));
    const spec = python(['alpha'], { indexes: [{ url: index.url }] });
    for (const given of [[], [{ url: index.url, ...credentials }]]) {
      const error = await expectCode('invalid_request', environments.lock(spec, { credentials: given }));
      expect(error.message).toMatch(/401 Unauthorized/);
      expect(`${error.message}${error.stack}`).not.toMatch(/s3cret/);
    }
  });

  test('use the credentials of the operator’s index without showing them', async () => {
    const index = await serve([alpha]);
    index.password = 'bob:s3cret/word';
    const url = new URL(index.url);
    url.username = 'bob';
    url.password = encodeURIComponent('s3cret/word');
    const environments = openUvEnvironments(await options(index, { index: url.href }));
    const lock = await environments.lock(python(['alpha']));
    const built = await environments.build(lock);
    await built.release();
    const error = await expectCode('invalid_request', environments.lock(python(['alpha==9'])));
    expect(`${lock.text}${error.message}`).not.toMatch(/s3cret|bob/);
  });

  test('are rejected inside the network unless the operator configured them', async () => {
    const index = await serve([alpha]);
    const client = index.net.client({
      allowHosts: [],
      fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    });
    const environments = openUvEnvironments(await options(index, { outbound: client }));
    await environments.lock(python(['alpha'], { indexes: [{ url: index.url }] }));
    const inside = python(['alpha'], { indexes: [{ url: 'http://127.0.0.1:9/simple' }] });
    await expectCode('address_refused', environments.lock(inside));
    await expectCode('address_refused', environments.lock(python(['x @ http://169.254.169.254/x-1-py3-none-any.whl'])));
    const reported = python(['alpha'], { indexes: [{ url: 'https://bob:word@example.com/simple' }] });
    expect((await expectCode('invalid_request', environments.lock(reported))).message).not.toContain('word');
    await expectCode('invalid_request', environments.lock(python(['alpha'], { indexes: [{ url: 'file:///srv' }] })));
  });
});

describe('the outbound guard', () => {
  const wheel = '/alpha-1.0-py3-none-any.whl';
  const fail = (code: OutboundErrorCode, detail: string, cause?: unknown) => new DaisError(code, detail, { cause });

  /** A public server, and one that only this machine can reach. */
  async function world(answer: (response: ServerResponse, inside: string) => void) {
    const index = await serve([{ name: 'beta', version: '1.0' }]);
    const requests: string[] = [];
    const inside = await index.net.serve((request, response) => {
      requests.push(request.url ?? '');
      response.end('INSIDE secret of the machine');
    });
    const outside = await index.net.serve((_, response) => answer(response, inside));
    const client = (...allowed: readonly string[]) =>
      index.net.client({ fail, allowHosts: [outside, ...allowed].map((origin) => new URL(origin).host) });
    const open = async (outbound = client()) => openUvEnvironments(await options(index, { outbound }));
    return { open, client, requests, inside, outside };
  }

  test('refuses a redirect of a package to this machine or to metadata, and shows no byte of the response', async () => {
    for (const target of [undefined, 'http://169.254.169.254/latest/meta-data/', 'http://10.0.0.1/x.whl']) {
      const { open, outside, inside, requests } = await world((response, own) =>
        response.writeHead(302, { location: `${target ?? own}${wheel}` }).end(),
      );
      const spec = python([`alpha @ ${outside}${wheel}`]);
      const error = await expectCode('address_refused', (await open()).lock(spec));
      expect(error.message).toContain(`Connection to ${new URL(target ?? inside).hostname}:`);
      expect(error.message).toContain('outbound.allowHosts');
      expect(error.message).not.toMatch(/INSIDE|secret/);
      expect(requests).toEqual([]);
    }
  });

  test('refuses files of a foreign index on this machine', async () => {
    const { open, outside, requests } = await world((response, own) =>
      response.setHeader('content-type', 'text/html').end(`<a href="${own}${wheel}">${wheel.slice(1)}</a>`),
    );
    const spec = python(['alpha'], { indexes: [{ url: `${outside}/simple` }] });
    await expectCode('address_refused', (await open()).lock(spec));
    expect(requests).toEqual([]);
  });

  test('allows hosts in allowHosts, and the operator’s index without an entry', async () => {
    const { open, client, inside, outside, requests } = await world((response, own) =>
      response.writeHead(302, { location: `${own}${wheel}` }).end(),
    );
    const environments = await open(client(inside));
    const error = await expectCode('invalid_request', environments.lock(python([`alpha @ ${outside}${wheel}`])));
    expect(error.message).toContain('alpha');
    expect(requests).not.toEqual([]);
    expect((await environments.lock(python(['beta']))).text).toContain('beta==1.0');
  });
});

describe('errors', () => {
  test('names an index that does not respond with the relevant settings', async () => {
    const index = await serve([alpha]);
    index.intercept = (request) => {
      request.socket.destroy();
      return true;
    };
    const environments = openUvEnvironments(await options(index));
    const error = await expectCode('upstream_failed', environments.lock(python(['alpha'])));
    expect(error.message).toContain('environments.index');
    expect(error.message).toContain(index.url);
  });

  test('does not install a file whose digest differs from the lock', async () => {
    const index = await serve([alpha]);
    const environments = openUvEnvironments(await options(index));
    const lock = await environments.lock(python(['alpha']));
    const anew = openUvEnvironments(await options(index));
    index.files[0] = { file: index.files[0]!.file, bytes: packageFile({ ...alpha, needs: ['evil'] }).bytes };
    const error = await expectCode('invalid_request', anew.build(lock));
    expect(error.message).toContain('Hash mismatch');
    expect(await anew.list()).toEqual([]);
  });

  test('suggests a name for a misspelled one', async () => {
    const environments = openUvEnvironments(await options(await serve([alpha])));
    const error = await expectCode('invalid_request', environments.lock(python(['sklearn'])));
    expect(error.message).toContain('Did you mean scikit-learn?');
  });

  test('runs code of a package only if the operator permits builds, and in isolation', async () => {
    const folder = await temporary();
    const wheel = packageFile(alpha);
    const source = `
import base64
try:
    open(${JSON.stringify(join(folder, 'ran'))}, 'w')
except OSError:
    pass
def build_wheel(folder, *_):
    open(folder + '/${wheel.file}', 'wb').write(base64.b64decode('${wheel.bytes.toString('base64')}'))
    return '${wheel.file}'
`;
    const index = await serve([{ ...alpha, source }]);
    const environments = openUvEnvironments(await options(index));
    const error = await expectCode('invalid_request', environments.lock(python(['alpha'])));
    expect(error.message).toContain('environments.sourceBuilds');
    expect(await readdir(folder)).toEqual([]);
    const building = openUvEnvironments(await options(index, { sourceBuilds: 'isolated' }));
    const lock = await building.lock(python(['alpha']));
    await expectCode('invalid_request', environments.build(lock));
    const built = await building.build(lock);
    expect(await runIn(built, 'alpha-version', [])).toBe('1.0\n');
    expect(await readdir(folder)).toEqual([]);
    await built.release();
  });

  test('names a uv that does not run', async () => {
    const index = await serve([alpha]);
    const environments = openUvEnvironments(await options(index, { uv: '/nowhere/uv' }));
    const error = await expectCode('invalid_config', environments.lock(python(['alpha'])));
    expect(error.message).toContain('environments.uv');
  });
});

describe('an interrupted build', () => {
  const slow = async () => {
    const index = await serve([alpha]);
    let closed = () => {};
    let requested = () => {};
    const begun = new Promise<void>((resolve) => (requested = resolve));
    const ended = new Promise<void>((resolve) => (closed = resolve));
    // Its metadata is read from a part of the file; only the whole file is slow.
    const hold = (request: IncomingMessage, response: ServerResponse) => {
      if (!request.url?.startsWith('/files/')) return false;
      response.on('close', closed);
      requested();
      return true;
    };
    return { index, begun, ended, hold };
  };

  test('ends with its installer, and the next one builds', async () => {
    const { index, begun, ended, hold } = await slow();
    const environments = openUvEnvironments(await options(index));
    const lock = await environments.lock(python(['alpha']));
    const anew = openUvEnvironments(await options(index));
    index.intercept = hold;
    const stop = new AbortController();
    const building = anew.build(lock, { signal: stop.signal });
    const next = begun.then(async () => await anew.build(lock));
    await begun;
    index.intercept = undefined;
    stop.abort(new Error('enough'));
    await expect(building).rejects.toThrow('enough');
    await ended;
    const built = await next;
    expect(await runIn(built, 'alpha-version', [])).toBe('1.0\n');
    await built.release();
  });

  test('starts again after its process was killed, and its installer ends', async () => {
    const { index, begun, ended, hold } = await slow();
    const shared = await options(index);
    const lock = await openUvEnvironments(await options(index)).lock(python(['alpha']));
    index.intercept = hold;
    const { outbound: _, log: __, now: ___, ...plain } = shared;
    const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const killed = run(process.execPath, ['--conditions=dais-source', '--import', loader, '--input-type=module'], {
      env: { PATH },
      input: `
        const { openUvEnvironments } = await import('${new URL('uv-environments.ts', import.meta.url).href}');
        const { createOutbound } = await import('${new URL('../../../lib/outbound/outbound.ts', import.meta.url).href}');
        const options = ${JSON.stringify(plain)};
        const fail = (code, detail) => new Error(detail);
        const outbound = createOutbound({ proxy: { noProxy: [] }, allowHosts: [], userAgent: 'test', fail });
        const environments = openUvEnvironments({ ...options, outbound, log: console, now: Date.now });
        await environments.build(${JSON.stringify(lock)});
      `,
    });
    await Promise.race([begun, killed.then(({ stderr }) => expect(stderr).toBe('it ended by itself'))]);
    index.intercept = undefined;
    const [holder] = await readdir(join(shared.folder, 'locks', lock.digest.slice(0, 16)));
    const text = await readFile(join(shared.folder, 'locks', lock.digest.slice(0, 16), holder!), 'utf8');
    process.kill((JSON.parse(text) as { pid: number }).pid, 'SIGKILL');
    const environments = openUvEnvironments(shared);
    const built = await environments.build(lock);
    expect(await runIn(built, 'alpha-version', [])).toBe('1.0\n');
    await built.release();
    await ended;
    await killed;
    expect(await readdir(join(shared.folder, 'running'))).toEqual([]);
  });
});

describe('on the disk', () => {
  test('removes leftovers of a killed build', async () => {
    const index = await serve([alpha, { name: 'beta', version: '1.0' }]);
    const shared = await options(index);
    const environments = openUvEnvironments(shared);
    const lock = await environments.lock(python(['alpha', 'beta']));
    const remains = join(shared.folder, 'environments', `${lock.digest.slice(0, 16)}-00000000`);
    await mkdir(join(remains, 'bin'), { recursive: true });
    await writeFile(join(remains, 'bin', 'python'), '');
    await mkdir(join(shared.folder, 'locks', lock.digest.slice(0, 16)), { recursive: true });
    await writeFile(join(shared.folder, 'locks', lock.digest.slice(0, 16), 'token'), 'never written whole');
    const built = await environments.build(lock);
    expect(await runIn(built, 'beta-version', [])).toBe('1.0\n');
    expect(built.folders).not.toContain(remains);
    await environments.evict(2 ** 34);
    expect(await readdir(join(shared.folder, 'environments'))).toHaveLength(2);
    await built.release();
  });

  test('rebuilds an environment whose Python was replaced, and removes the old one when unused', async () => {
    const index = await serve([alpha]);
    const shared = await options(index);
    const environments = openUvEnvironments(shared);
    const lock = await environments.lock(python(['alpha']));
    const before = await environments.build(lock);
    const marker = join(shared.folder, 'environments', `${lock.digest}.json`);
    const content = JSON.parse(await readFile(marker, 'utf8')) as { interpreter: object };
    await writeFile(marker, JSON.stringify({ ...content, interpreter: { ...content.interpreter, stamp: 'another' } }));
    const after = await environments.build(lock);
    expect(after.path).not.toEqual(before.path);
    await environments.evict(2 ** 34);
    expect(await runIn(before, 'alpha-version', [])).toBe('1.0\n');
    await before.release();
    await environments.evict(2 ** 34);
    expect(await readdir(join(shared.folder, 'environments'))).toHaveLength(2);
    expect(await runIn(after, 'alpha-version', [])).toBe('1.0\n');
    await after.release();
  });

  test('environments share files, contain bytecode and are read-only', async () => {
    const index = await serve([alpha, { name: 'beta', version: '1.0' }]);
    const environments = openUvEnvironments(await options(index));
    const [one, two] = [
      await environments.build(await environments.lock(python(['alpha']))),
      await environments.build(await environments.lock(python(['alpha', 'beta']))),
    ];
    const find = async (built: BuiltEnvironment) =>
      (await runIn(built, 'python', ['-c', 'import alpha; print(alpha.__file__, alpha.__cached__)'])).trim().split(' ');
    const [[file, cached], [other]] = [await find(one), await find(two)];
    const [left, right] = [await lstat(file!), await lstat(other!)];
    expect(left.ino).toBe(right.ino);
    expect(left.mode & 0o222).toBe(0);
    expect((await lstat(cached!)).mode & 0o222).toBe(0);
    await one.release();
    await two.release();
  });

  test('limits disk usage and keeps the newest build', async () => {
    const index = await serve([alpha, { name: 'beta', version: '1.0' }]);
    const environments = openUvEnvironments(await options(index, { maxBytes: 1 }));
    const first = await environments.build(await environments.lock(python(['alpha'])));
    await first.release();
    const second = await environments.build(await environments.lock(python(['beta'])));
    expect((await environments.list()).map(({ digest }) => digest)).toEqual([second.digest]);
    expect(await runIn(second, 'beta-version', [])).toBe('1.0\n');
    await second.release();
  });
});

test('a wheelhouse without an index sends no request', async () => {
  const folder = await temporary();
  for (const { file, bytes } of [alpha, { name: 'beta', version: '2.0', needs: ['alpha'] }].map(packageFile)) {
    await writeFile(join(folder, file), bytes);
  }
  const other = await serve([alpha]);
  const environments = openUvEnvironments(await options(other, { index: undefined, wheelhouse: folder }));
  const built = await environments.build(await environments.lock(python(['beta'])));
  expect(await runIn(built, 'alpha-version', [])).toBe('1.0\n');
  await built.release();
  await expectCode('invalid_request', environments.lock(python(['gamma'])));
  expect(other.requests).toEqual([]);
});

test('downloads a missing Python from the mirror', async () => {
  const requests: string[] = [];
  const index = await serve([]);
  index.intercept = (request, response) => {
    requests.push(request.url ?? '');
    response.writeHead(404).end();
    return true;
  };
  const mirror = new URL('/pythons', index.url);
  mirror.username = 'bob';
  mirror.password = 's3cret';
  const nothing = { PATH: await temporary() };
  const environments = openUvEnvironments(await options(index, { pythonMirror: mirror.href, environment: nothing }));
  const error = await expectCode('invalid_request', environments.lock(python([], { version: '3.12' })));
  expect(error.message).not.toContain('s3cret');
  expect(error.message).toContain('environments.pythonMirror');
  expect(requests.filter((path) => path.startsWith('/pythons/'))).not.toEqual([]);
});
