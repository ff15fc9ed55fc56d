/** A file store of MLflow (`mlruns`), written by the test, is imported into a real server. */
import { appendFile, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let dais: CliFixture;
beforeAll(async () => {
  dais = await CliFixture.shared();
});
afterAll(async () => await dais?.stop());

const id = (letter: string) => letter.repeat(32);

async function store(name: string, runs: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(dais.folder, 'store-'));
  const experiment = join(root, 'mlruns/7');
  const files: Record<string, string> = {
    'meta.yaml': `artifact_location: ${pathToFileURL(experiment).href}\ncreation_time: 1700000000000\nexperiment_id: '7'\nlast_update_time: 1700000000000\nlifecycle_stage: active\nname: ${name}\n`,
    'tags/team': 'a',
  };
  for (const [run, metric] of Object.entries(runs)) {
    Object.assign(files, {
      [`${run}/meta.yaml`]: `artifact_uri: ${pathToFileURL(experiment).href}/${run}/artifacts\nend_time: 1700000009000\nexperiment_id: '7'\nlifecycle_stage: active\nrun_id: '${run}'\nrun_name: ${run[0]}e5\nstart_time: 1700000000000\nstatus: 3\nuser_id: ada\n`,
      [`${run}/params/net/depth`]: '3',
      [`${run}/tags/note`]: 'two\nlines',
      [`${run}/metrics/val/loss`]: metric,
      [`${run}/artifacts/model/a.txt`]: 'artifact',
    });
  }
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(experiment, path)), { recursive: true });
    await writeFile(join(experiment, path), content);
  }
  return join(root, 'mlruns');
}

interface Report {
  readonly code: number;
  readonly written: { readonly runs: number };
  readonly problems: readonly { readonly what: string; readonly why: string }[];
}

async function imported(from: string, ...words: string[]): Promise<Report> {
  const { code, out, err } = await dais.run(['import', 'mlflow', '-q', '-o', 'json', '--from', from, ...words]);
  if (out === '') throw new Error(err);
  return { code, ...(JSON.parse(out) as Omit<Report, 'code'>) };
}

async function read<Output>(path: string): Promise<Output> {
  const answer = await fetch(`${dais.server.url}/api/v1/tracking/${path}`);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as Output;
}

const pointsOf = async (run: string) =>
  (await read<{ items: object[] }>(`runs/${run}/metrics/${encodeURIComponent('val/loss')}`)).items;

/** A server in front of Dais that breaks connections while it is not open. */
async function proxyTo(isOpen: () => boolean) {
  const target = new URL(dais.server.url);
  const proxy = createServer((incoming, outgoing) => {
    if (!isOpen()) {
      incoming.socket.destroy();
      return;
    }
    const headers = { ...incoming.headers, host: target.host };
    const options = { host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers };
    const forwarded = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const stop = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, stop };
}

const lines = (from: number, to: number) =>
  Array.from(
    { length: to - from },
    (_, at) => `${1_700_000_000_000 + from + at} ${1 / (from + at + 1)} ${from + at}\n`,
  ).join('');

test('runs keep their ids, and appended points are imported once', async () => {
  const [a, b] = [id('a'), id('7')];
  const folder = await store('appended', {
    [a]: lines(0, 10),
    [b]: `1700000000000 nan 0\n1700000000001 inf 1\n1700000000000 nan 0\n`,
  });
  expect(await imported(folder)).toMatchObject({ code: 0, written: { runs: 2 }, problems: [] });
  expect(await imported(pathToFileURL(folder).href)).toMatchObject({ written: { runs: 0 } });
  expect(await read(`runs/${a}`)).toMatchObject({
    name: 'ae5',
    user: 'ada',
    status: 'FINISHED',
    startedAt: 1_700_000_000_000,
    endedAt: 1_700_000_009_000,
    params: { 'net/depth': '3' },
    tags: { note: 'two\nlines' },
  });
  expect(await pointsOf(b)).toMatchObject([{ value: 'NaN' }, { value: Number.MAX_VALUE }]);
  // MLflow writes this name without quotes.
  expect(await read(`runs/${b}`)).toMatchObject({ name: '7e5' });
  // A part reaches Dais directly, as from a training that reconnected.
  const logged = await fetch(`${dais.server.url}/api/v1/tracking/runs/${a}/log`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ metrics: [{ key: 'val/loss', value: 1 / 11, step: 10, timestamp: 1_700_000_000_010 }] }),
  });
  expect(logged.status).toBe(200);
  // The last line is incomplete: its training stopped while it wrote.
  await appendFile(join(folder, `7/${a}/metrics/val/loss`), `${lines(10, 20)}17000000`);
  expect(await imported(folder)).toMatchObject({ written: { runs: 1 }, problems: [] });
  expect(await pointsOf(a)).toHaveLength(20);
  expect(await imported(folder, '--all')).toMatchObject({ written: { runs: 2 }, problems: [] });
  expect(await pointsOf(a)).toHaveLength(20);
});

test('an import that loses the server in the middle is completed by the next', async () => {
  const runs = ['c', 'd', 'e', 'f'].map(id);
  const folder = await store('interrupted', Object.fromEntries(runs.map((run) => [run, lines(0, 100)])));
  let left = 14;
  const proxy = await proxyTo(() => left-- > 0);
  try {
    const cut = await dais.run(['import', 'mlflow', '-q', '--from', folder], {
      environment: { url: proxy.url, retrySeconds: '1' },
    });
    expect(cut.code).not.toBe(0);
  } finally {
    proxy.stop();
  }
  expect(await imported(folder)).toMatchObject({ code: 0, problems: [] });
  for (const run of runs) expect(await pointsOf(run)).toHaveLength(100);
  expect(await imported(folder)).toMatchObject({ written: { runs: 0 } });
});

test('an import that follows a training continues after the server was away', async () => {
  const run = id('9');
  const folder = await store('followed', { [run]: lines(0, 5) });
  let isOpen = true;
  const proxy = await proxyTo(() => isOpen);
  const stop = new AbortController();
  const following = dais.run(['import', 'mlflow', '--from', folder, '--follow', '--every', '1s'], {
    environment: { url: proxy.url, retrySeconds: '0' },
    signal: stop.signal,
  });
  try {
    await expect.poll(async () => (await pointsOf(run).catch(() => [])).length).toBe(5);
    isOpen = false;
    await appendFile(join(folder, `7/${run}/metrics/val/loss`), lines(5, 9));
    await delay(2500);
    expect(await pointsOf(run)).toHaveLength(5);
    isOpen = true;
    await expect.poll(async () => (await pointsOf(run)).length).toBe(9);
  } finally {
    stop.abort();
    proxy.stop();
  }
  const { err } = await following;
  expect(err).toContain('The next attempt is in 1 s.');
});

test('damaged runs are reported and links are not followed, and the other runs are imported', async () => {
  const [g, h, i] = [id('1'), id('2'), id('3')];
  const folder = await store('damaged', { [g]: lines(0, 3), [h]: 'no numbers here\n', [i]: lines(0, 3) });
  await writeFile(join(folder, `7/${i}/meta.yaml`), '');
  await writeFile(join(folder, 'secret'), 'secret');
  await symlink(join(folder, 'secret'), join(folder, `7/${g}/params/leak`));
  const { code, written, problems } = await imported(folder);
  expect([code, written.runs]).toEqual([1, 1]);
  expect(problems).toEqual([
    { what: `run ${h}`, why: expect.stringContaining('is damaged in line 1') },
    { what: `run ${i}`, why: expect.stringContaining('is not a YAML map') },
  ]);
  expect(await read(`runs/${g}`)).toMatchObject({ params: { 'net/depth': '3' } });
});

test('a folder that is no file store is a clear error', async () => {
  const { err, code } = await dais.run(['import', 'mlflow', '-q', '--from', dais.folder]);
  expect([code === 0, err]).toEqual([false, expect.stringContaining('is not an MLflow file store')]);
});
