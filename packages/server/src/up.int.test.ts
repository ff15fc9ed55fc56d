import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOnPath } from '#lib/system/find-on-path.ts';
import { readServerFile } from '#supervisor/server-file.ts';
import {
  childrenOf,
  commandOf,
  isAlive,
  startDaisProcess,
  type DaisProcess,
  type DaisProcessOptions,
} from './testing/dais-process.ts';
import { programVersion } from './version.ts';

const builtConsole = fileURLToPath(new URL('../../web/dist/index.html', import.meta.url));

let folder: string;
const flags = (name: string) => ({ data: join(folder, name), 'keys.folder': join(folder, 'keys') });
const started: DaisProcess[] = [];

function launch(more: Record<string, unknown>, options?: DaisProcessOptions): DaisProcess {
  const dais = startDaisProcess(more, options);
  started.push(dais);
  return dais;
}

/** The whole tree of a supervisor: control process, postmaster, backends. */
function tree(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...tree(child)]);
}

function child(dais: DaisProcess, pattern: RegExp): number {
  const found = childrenOf(dais.process.pid ?? 0).find((pid) => pattern.test(commandOf(pid)));
  if (found === undefined) throw new Error(`no child ${String(pattern)}`);
  return found;
}
const control = (dais: DaisProcess) => child(dais, /\/main\.[jt]s/);
const postgres = (dais: DaisProcess) => child(dais, /postgres -D/);

/** The targets of all descriptors of a process; none when it has ended. */
function filesOf(pid: number): string[] {
  const targetOf = (name: string) => readlinkSync(`/proc/${pid}/fd/${name}`);
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
      try {
        return [targetOf(name)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

const project = (name: string) => ({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name }, spec: {} });
const create = async (url: string, name: string) =>
  await fetch(`${url}/api/v1/projects`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(project(name)),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-up-'));
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGKILL');
  await Promise.all(started.map((dais) => dais.ended));
  // A database that was just orphaned may still write its last files.
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

describe('a running Dais', () => {
  let dais: DaisProcess;
  let url: string;
  let spans = '';
  const collector = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (chunk: string) => {
      spans += chunk;
    });
    request.once('end', () => response.end());
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    dais = launch(
      { ...flags('one'), 'otlp.endpoint': endpoint, 'log.requests': 'all' },
      { firstStart: true, inherits: true },
    );
    url = await dais.ready;
  });
  afterAll(async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
    collector.closeAllConnections();
    collector.close();
  });

  test('has a socket for queries of the owner of a connection, where Perl is installed', () => {
    const hasSocket = commandOf(control(dais)).includes('--socket-diagnosis=');
    expect(hasSocket).toBe(findOnPath('perl') !== undefined);
  });

  test('closes the descriptors that it inherited', () => {
    const pids = [dais.process.pid ?? 0, ...tree(dais.process.pid ?? 0)];
    expect(pids.length).toBeGreaterThan(2);
    expect(pids.flatMap(filesOf).filter((path) => path === '/etc/passwd')).toEqual([]);
  });

  test('reports its readiness and its URL, and protects its files', async () => {
    const ready = (await (await fetch(`${url}/readyz`)).json()) as { status: string; checks: { name: string }[] };
    const names = ['database', 'migrations', 'watch', 'leases', 'blobs', 'disk', 'isolation', 'node'];
    expect(ready.checks.map(({ name }) => name)).toEqual(names);
    expect(ready.status).toBe('ready');
    const file = await readServerFile(flags('one').data);
    expect(file).toMatchObject({ pid: dais.process.pid, url, version: programVersion() });
    const modes = await Promise.all(
      [file?.tokenFile ?? '', join(flags('one').data, 'run', 'server.json')].map(
        async (path) => (await stat(path)).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o600, 0o600]);
    const [database, api, metrics, page] = await Promise.all(
      ['/api/v1/server', '/api/openapi.json', '/metrics', '/'].map(
        async (path) => await (await fetch(url + path)).text(),
      ),
    );
    expect(database).toContain('"engine":"embedded"');
    expect(api).toContain('"openapi":"3.1.0"');
    expect(metrics).toContain('dais_database_up 1');
    // The console where one is built, the plain page elsewhere.
    expect(page).toContain(existsSync(builtConsole) ? '<div id="console">' : 'Resources');
  });

  test('records every request in its log and in its traces, but never the query', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01`, 'x-request-id': 'request-7' };
    await fetch(`${url}/api/v1/projects?labels=team%3Dsecret-team`, { headers });
    await expect.poll(() => dais.output()).toContain('"http.request.id":"request-7"');
    const line = dais
      .output()
      .split('\n')
      .find((one) => one.includes('request-7'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      'url.path': '/api/v1/projects',
      'http.response.status_code': 200,
      'dais.operation': 'project.list',
      'trace.id': trace,
    });
    await expect.poll(() => spans).toContain(trace);
    expect(spans).toContain('"name":"project.list"');
    expect(dais.output() + spans).not.toContain('secret-team');
  });

  test('rejects a second process on the same data, and names the first', async () => {
    const second = launch(flags('one'));
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain('data_locked');
    expect(second.output()).toContain(`process ${dais.process.pid}`);
  });

  test('survives the death of its control process without a rejected request', async () => {
    const before = control(dais);
    const load = { on: true };
    const statuses = new Map<string, number>();
    // Each request uses a new connection: only the pending response of the killed process is lost.
    const done = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (load.on) {
          const outcome = await fetch(`${url}/api/v1/projects/default`, { headers: { connection: 'close' } }).then(
            async (response) => (await response.text(), String(response.status)),
            (error: { cause?: { code?: string } }) => error.cause?.code ?? 'error',
          );
          statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
        }
      }),
    );
    await expect.poll(() => statuses.get('200') ?? 0).toBeGreaterThan(20);
    process.kill(before, 'SIGKILL');
    await expect.poll(() => (childrenOf(dais.process.pid ?? 0).includes(before) ? 0 : 1)).toBe(1);
    const answered = statuses.get('200') ?? 0;
    await expect.poll(() => statuses.get('200') ?? 0).toBeGreaterThan(answered + 20);
    load.on = false;
    await done;
    expect(control(dais)).not.toBe(before);
    const others = [...statuses].filter(([status]) => status !== '200');
    expect(others.filter(([status]) => !['UND_ERR_SOCKET', 'ECONNRESET'].includes(status))).toEqual([]);
    expect(others.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(4);
  });

  test('survives the end of its database process: 503 with Retry-After, no data lost, the control process stays', async () => {
    const before = control(dais);
    const acknowledged: string[] = [];
    const refused = new Set<string>();
    const load = { on: true };
    const done = Promise.all(
      Array.from({ length: 4 }, async (_, worker) => {
        for (let n = 0; load.on; n++) {
          const name = `p-${worker}-${n}`;
          const response = await create(url, name);
          if (response.status === 201) acknowledged.push(name);
          else refused.add(`${response.status} ${response.headers.has('retry-after') ? 'again' : 'never'}`);
          await response.text();
        }
      }),
    );
    await expect.poll(() => acknowledged.length).toBeGreaterThan(10);
    process.kill(postgres(dais), 'SIGKILL');
    await expect.poll(() => refused.size).toBeGreaterThan(0);
    const reached = acknowledged.length;
    await expect.poll(() => acknowledged.length).toBeGreaterThan(reached + 10);
    load.on = false;
    await done;
    expect([...refused]).toEqual(['503 again']);
    expect(control(dais)).toBe(before);
    const names = new Set<string>();
    let cursor = '';
    do {
      const page = (await (await fetch(`${url}/api/v1/projects?limit=1000${cursor}`)).json()) as {
        items: { metadata: { name: string } }[];
        nextCursor?: string;
      };
      for (const { metadata } of page.items) names.add(metadata.name);
      cursor = page.nextCursor === undefined ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`;
    } while (cursor !== '');
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('ending', () => {
  test('by SIGTERM: running work is finished, exit code 0, no process remains', async () => {
    const dais = launch(flags('end'));
    const url = await dais.ready;
    const watch = await fetch(`${url}/api/v1/projects?watch=true`);
    const pids = tree(dais.process.pid ?? 0);
    expect(pids.length).toBeGreaterThan(3);
    dais.process.kill('SIGTERM');
    expect(await watch.text()).toContain('"code":"shutting_down"');
    expect(await dais.ended).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await readServerFile(flags('end').data)).toBeUndefined();
  });

  test('by kill -9: no process remains, and the next start works on the same data', async () => {
    const dais = launch(flags('end'));
    const url = await dais.ready;
    expect((await create(url, 'kept')).status).toBe(201);
    const pids = tree(dais.process.pid ?? 0);
    dais.process.kill('SIGKILL');
    await dais.ended;
    await expect.poll(() => pids.filter(isAlive)).toEqual([]);
    expect(await readServerFile(flags('end').data)).toBeUndefined();
    const next = launch(flags('end'));
    expect((await fetch(`${await next.ready}/api/v1/projects/kept`)).status).toBe(200);
    next.process.kill('SIGINT');
    expect(await next.ended).toBe(0);
  });

  test('with notice: it is not ready, ends connections after their next response, and accepts new ones', async () => {
    const dais = launch({ ...flags('noticed'), 'limits.drainNoticeSeconds': 3 });
    const url = await dais.ready;
    dais.process.kill('SIGTERM');
    const readiness = async () => (await fetch(`${url}/readyz`)).json();
    const check = { name: 'node', ok: false, detail: 'the process is shutting down' };
    await expect.poll(readiness).toMatchObject({ checks: expect.arrayContaining([expect.objectContaining(check)]) });
    const { status, headers } = await fetch(`${url}/api/v1/projects`);
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
    expect(await dais.ended).toBe(0);
  });

  test('of an ephemeral one: its folder is removed', async () => {
    const dais = launch({}, { ephemeral: true });
    await dais.ready;
    const data = /"dais\.data":"([^"]+)"/.exec(dais.output())?.[1] ?? '';
    expect((await stat(data)).isDirectory()).toBe(true);
    dais.process.kill('SIGTERM');
    expect(await dais.ended).toBe(0);
    await expect(stat(join(data, '..'))).rejects.toThrow('ENOENT');
  });
});

describe('not starting', () => {
  test('on an address that others reach', async () => {
    const dais = launch({ ...flags('never'), host: '0.0.0.0' });
    expect(await dais.ended).toBe(1);
    expect(dais.output()).toContain('unsafe_bind');
  });

  test('with an invalid configuration, with all errors', async () => {
    const dais = launch({ ...flags('never'), 'log.level': 'loud' });
    expect(await dais.ended).toBe(1);
    expect(dais.output()).toContain('invalid_config');
  });

  test('on a database that does not answer', async () => {
    const dais = launch({ ...flags('never'), 'database.url': 'postgres://dais:secret@127.0.0.1:9/dais' });
    expect(await dais.ended).toBe(1);
    expect(dais.output()).toContain('database_unavailable');
    expect(dais.output()).not.toContain('secret');
    await expect(readFile(join(flags('never').data, 'run', 'server.json'))).rejects.toThrow('ENOENT');
  });
});
