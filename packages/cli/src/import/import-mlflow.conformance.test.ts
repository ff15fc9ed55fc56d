/** A real `mlflow server`, filled by its own client, moved into Dais and compared by the client. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';
import { startMlflowServer, type MlflowServer } from '../../../../conformance/mlflow/mlflow-server.ts';

/** In ms: a server of Python, its client and three downloads of everything, on a machine that does other things too. */
const PATIENCE = 900_000;

let dais: CliFixture;
let mlflow: MlflowServer;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-mlflow-source-'));
  [dais, mlflow] = await Promise.all([CliFixture.start(), startMlflowServer(folder)]);
  await mlflow.python('transfer_fill.py', [], { MLFLOW_TRACKING_URI: mlflow.url });
  const text = 'apiVersion: dais.dev/v1\nkind: Project\nmetadata: { name: copied }\nspec: {}\n';
  const { code, err } = await dais.run(['apply', '-f', '-'], { stdin: text });
  if (code !== 0) throw new Error(err);
}, PATIENCE);
afterAll(async () => {
  await Promise.all([dais?.stop(), mlflow?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

interface Report {
  readonly found: Readonly<Record<string, number>>;
  readonly written: Readonly<Record<string, number>>;
  readonly problems: readonly object[];
}

const ALL = { experiments: 3, runs: 11, loggedModels: 3, models: 3, versions: 5, aliases: 2 };
const NOTHING = { experiments: 0, runs: 0, loggedModels: 0, models: 0, versions: 0, aliases: 0 };

async function imported(...words: string[]): Promise<Report> {
  const { out, err } = await dais.run(['import', 'mlflow', '-q', '-o', 'json', ...words]);
  expect(err).toBe('');
  return JSON.parse(out) as Report;
}

async function differences(to: string): Promise<object> {
  const told = await mlflow.python('transfer_compare.py', [mlflow.url, to, 'ids']);
  return JSON.parse(told) as object;
}

test(
  'over HTTP all of it comes, a second time changes nothing, and the client sees no difference',
  { timeout: PATIENCE },
  async () => {
    const from = ['--from', mlflow.url];
    expect(await imported(...from, '--dry-run')).toMatchObject({ found: ALL, written: ALL, problems: [] });
    expect(await imported(...from)).toMatchObject({ found: ALL, written: ALL, problems: [] });
    expect(await imported(...from)).toMatchObject({ found: ALL, written: NOTHING, problems: [] });
    const { counts, differences: differing } = (await differences(dais.server.url)) as {
      counts: Record<string, number>;
      differences: string[];
    };
    expect(differing).toEqual([]);
    expect(counts).toMatchObject({ runs: 11, models: 3, versions: 5 });
    expect(counts['points']).toBeGreaterThan(7500);
  },
);

test(
  'what came can leave again: a second mlflow server opens the export, and says the same',
  { timeout: PATIENCE },
  async () => {
    const store = join(folder, 'exported');
    await mkdir(store);
    const early = await dais.run(['export', 'mlflow', '--to', store]);
    expect(early).toMatchObject({ code: 4, err: expect.stringContaining('mlflow experiments search') });
    await mlflow.python('empty_store.py', [], { MLFLOW_TRACKING_URI: `sqlite:///${store}/mlflow.db` });
    const counts = { experiments: 3, runs: 11, loggedModels: 3, models: 3, versions: 5 };
    for (const _time of [1, 2]) {
      const { out, err } = await dais.run(['export', 'mlflow', '-q', '-o', 'json', '--to', store]);
      expect(err).toBe('');
      expect(JSON.parse(out)).toMatchObject(counts);
    }
    const second = await startMlflowServer(store);
    try {
      expect(await differences(second.url)).toMatchObject({ differences: [] });
    } finally {
      await second.stop();
    }
  },
);

test('from its database the same comes, without the server', { timeout: PATIENCE }, async () => {
  const from = ['--from', `sqlite:///${folder}/mlflow.db`, '--artifacts-folder', `${folder}/artifacts`];
  expect(await imported(...from, '-p', 'copied')).toMatchObject({ found: ALL, written: ALL, problems: [] });
  expect(await imported(...from, '-p', 'copied')).toMatchObject({ written: NOTHING });
  expect(await differences(`${dais.server.url}/p/copied`)).toMatchObject({ differences: [] });
});

test('a mirror follows what is logged there, and says so', { timeout: PATIENCE }, async () => {
  const stop = new AbortController();
  let said = '';
  let changed = false;
  const following = dais.run(['import', 'mlflow', '--from', mlflow.url, '--follow', '--every', '1s'], {
    signal: stop.signal,
    onOut: (text) => {
      said += text;
      if (said.includes('11 runs, none new')) changed ||= true;
      if (said.includes('12 runs, 1 new or changed')) stop.abort();
    },
  });
  await expect.poll(() => changed).toBe(true);
  const create = { experiment_id: '0', start_time: 1_700_000_000_000, run_name: 'while it is followed' };
  const answer = await fetch(`${mlflow.url}/api/2.0/mlflow/runs/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(create),
  });
  const { run } = (await answer.json()) as { run: { info: { run_id: string } } };
  const { code } = await following;
  expect(code).toBe(0);
  const here = await fetch(`${dais.server.url}/api/v1/tracking/runs/${run.info.run_id}`);
  expect(await here.json()).toMatchObject({ name: 'while it is followed', startedAt: 1_700_000_000_000 });
});
