/** Logs that `wandb`, `tensorboardX` and `tensorboard` themselves write are imported into a real server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';
import { pythonEnvironment } from '../../../../tools/python-env.mjs';

/** In ms. The first run also builds the environment. */
const PATIENCE = 600_000;
const conformance = fileURLToPath(new URL('../../../../conformance/run-logs/', import.meta.url));

let dais: CliFixture;
let environment: string;
beforeAll(async () => {
  environment = await pythonEnvironment('run-logs', join(conformance, 'requirements.txt'));
  dais = await CliFixture.shared();
}, PATIENCE);
afterAll(async () => await dais?.stop());

/** Runs a program that writes logs into a folder. Returns the lines of its output. */
async function python(script: string, folder: string): Promise<string[]> {
  const child = spawn(join(environment, 'bin/python'), ['-W', 'ignore', join(conformance, script), folder], {
    env: { PATH: `${join(environment, 'bin')}:/usr/bin:/bin`, HOME: folder, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${script}: ${Buffer.concat(err).toString('utf8').slice(-3000)}`);
  return Buffer.concat(out).toString('utf8').trim().split('\n');
}

interface Run {
  readonly id: string;
  readonly name: string;
  readonly artifactUri: string;
  readonly metrics: readonly { readonly key: string; readonly value: unknown; readonly step: number }[];
}

async function ask<Output>(path: string, body?: object): Promise<Output> {
  const answer = await fetch(`${dais.server.url}/api/v1/tracking/${path}`, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return (await answer.json()) as Output;
}

async function runsOf(experiment: string): Promise<Map<string, Run>> {
  const { id } = await ask<{ id: string }>(`experiment-names/${experiment}`);
  const { items } = await ask<{ items: Run[] }>('search/runs', { experimentIds: [id] });
  return new Map(items.map((run) => [run.name, run]));
}

async function countOf(run: Run, key: string): Promise<number> {
  const path = `runs/${run.id}/metrics/${encodeURIComponent(key)}?limit=10000`;
  return (await ask<{ items: object[] }>(path)).items.length;
}

async function filesOf(run: Run, folder: string): Promise<string[]> {
  const path = `${run.artifactUri.replace(/^mlflow-artifacts:\/*/, '')}/${folder}`;
  const { items } = await ask<{ items: { name: string }[] }>(`artifacts?path=${encodeURIComponent(path)}`);
  return items.map(({ name }) => name);
}

async function imported(...words: string[]) {
  const { out, err } = await dais.run(['import', ...words, '-q', '-o', 'json']);
  if (out === '') throw new Error(err);
  return JSON.parse(out) as object;
}

test('offline runs of wandb', { timeout: PATIENCE }, async () => {
  const folder = await mkdtemp(join(dais.folder, 'wandb-'));
  const ids = await python('wandb_runs.py', folder);
  expect(ids).toHaveLength(2);
  expect(await imported('wandb', '--from', folder)).toMatchObject({ written: { runs: 2 }, problems: [] });
  expect(await imported('wandb', '--from', folder)).toMatchObject({ written: { runs: 0 }, problems: [] });
  expect(await imported('wandb', '--from', folder, '--all')).toMatchObject({ written: { runs: 2 }, problems: [] });
  const runs = await runsOf('flights');
  const first = runs.get('first')!;
  expect(first).toMatchObject({
    status: 'FINISHED',
    params: { lr: '0.1', 'net.depth': '3', 'net.units': '[8,4]', kind: 'text', later: '5' },
    tags: {
      'wandb.run_id': ids[0],
      'wandb.group': 'baseline',
      'wandb.job_type': 'train',
      'wandb.tag.a': 'true',
      'wandb.tag.b': 'true',
      'mlflow.note.content': 'a note',
    },
  });
  expect(runs.get('second')).toMatchObject({ status: 'FAILED', tags: { 'wandb.run_id': ids[1] } });
  expect(await countOf(first, 'loss')).toBe(1500);
  expect(await countOf(first, 'opt.lr')).toBe(1500);
  const latest = new Map(first.metrics.map(({ key, value }) => [key, value]));
  expect([latest.get('loss'), latest.get('val/loss'), latest.get('best'), latest.get('not a number')]).toEqual([
    1 / 1500,
    0.5,
    0.25,
    'NaN',
  ]);
  expect([...latest.keys()].filter((key) => /image|histogram|table/.test(key))).toEqual([]);
  expect([...latest.keys()].some((key) => key.startsWith('system/'))).toBe(true);
  expect(await filesOf(first, 'media/images')).toEqual([expect.stringMatching(/^image_.*\.png$/)]);
});

test('event files of tensorboardX and TensorBoard', { timeout: PATIENCE }, async () => {
  const folder = await mkdtemp(join(dais.folder, 'boards-'));
  await python('tensorboard_runs.py', folder);
  const words = ['tensorboard', '--from', folder, '--experiment', 'boards'];
  expect(await imported(...words)).toMatchObject({ written: { runs: 3 }, problems: [] });
  for (const name of await readdir(join(folder, 'old')))
    await utimes(join(folder, 'old', name), 1_700_000_000, 1_700_000_000);
  expect(await imported(...words)).toMatchObject({ found: { runs: 3 }, written: { runs: 0 }, problems: [] });
  expect(await imported(...words, '--all')).toMatchObject({ written: { runs: 3 }, problems: [] });
  const runs = await runsOf('boards');
  const [old, search, train] = [runs.get('old')!, runs.get('old/search')!, runs.get('new/train')!];
  expect(await countOf(old, 'loss')).toBe(1000);
  expect(old.metrics).toContainEqual(expect.objectContaining({ key: 'group/not_a_number', value: 'NaN' }));
  expect(await filesOf(old, 'images/sample')).toEqual(['3.png']);
  expect(await filesOf(old, 'text/note/text_summary')).toEqual(['1.md']);
  expect(search).toMatchObject({ params: { lr: '0.1', optimizer: 'adam', nesterov: 'true' } });
  expect(search.metrics).toEqual([expect.objectContaining({ key: 'final' })]);
  expect(await countOf(train, 'epoch_loss')).toBe(5);
  expect(await filesOf(train, 'images/pictures')).toEqual(['2-0.png', '2-1.png']);
  expect(await filesOf(train, 'text/description')).toEqual(['1.md']);
});
