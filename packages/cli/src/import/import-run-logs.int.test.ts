/** Event files of TensorBoard and runs of W&B, written by the tests, are imported into a real server. */
import { appendFile, mkdir, mkdtemp, readFile, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';
import * as write from './run-logs/log-writers.testing.ts';

let dais: CliFixture;
beforeAll(async () => {
  dais = await CliFixture.shared();
});
afterAll(async () => await dais?.stop());

interface Run {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly artifactUri: string;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly metrics: readonly { readonly key: string; readonly value: unknown; readonly step: number }[];
}

interface Report {
  readonly found: { readonly runs: number };
  readonly written: { readonly runs: number };
  readonly problems: readonly { readonly what: string; readonly why: string }[];
  readonly notes?: readonly string[];
}

async function ask<Output>(path: string, body?: object): Promise<Output> {
  const answer = await fetch(`${dais.server.url}/api/v1/${path}`, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return (await answer.json()) as Output;
}

/** Runs of an experiment by name. */
async function runsOf(experiment: string): Promise<Map<string, Run>> {
  const { id } = await ask<{ id: string }>(`tracking/experiment-names/${experiment}`);
  const found = await ask<{ items: Run[] }>('tracking/search/runs', { experimentIds: [id], limit: 100 });
  return new Map(found.items.map((run) => [run.name, run]));
}

async function pointsOf(run: string, key: string): Promise<{ step: number; value: unknown }[]> {
  const path = `tracking/runs/${run}/metrics/${encodeURIComponent(key)}?limit=1000`;
  const { items } = await ask<{ items: { step: number; value: unknown }[] }>(path);
  return items.map(({ step, value }) => ({ step, value }));
}

async function folderWith(files: Readonly<Record<string, Buffer | string>>): Promise<string> {
  const folder = await mkdtemp(join(dais.folder, 'logs-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    // Not in progress any more.
    await utimes(join(folder, path), 1_700_000_000, 1_700_000_000);
  }
  return folder;
}

async function imported(tool: string, folder: string, ...words: string[]): Promise<Report & { code: number }> {
  const { code, out, err } = await dais.run(['import', tool, '-q', '-o', 'json', '--from', folder, ...words]);
  if (out === '') throw new Error(err);
  return { code, ...(JSON.parse(out) as Report) };
}

const PNG = Buffer.from('89504e470d0a1a0a00', 'hex');

test('folders of event files are runs, and a second import changes nothing', async () => {
  const folder = await folderWith({
    'train/events.out.tfevents.1.host': Buffer.concat([
      write.event(1_700_000_000, 0, write.hyperparameters({ lr: 0.1, optimizer: 'adam', nesterov: true })),
      ...Array.from({ length: 20 }, (_, step) =>
        write.event(
          1_700_000_000 + step,
          step,
          write.scalar('loss', 1 / (step + 1)),
          write.tensorScalar('acc', 0.5, step === 0),
        ),
      ),
      write.event(1_700_000_030, 7, write.image('../../samples', PNG), write.text('note', 'a', 'b')),
    ]),
    'eval/events.out.tfevents.2.host': write.event(1_700_000_001.5, 3, write.scalar('loss', Number.NaN)),
    'eval/readme.txt': 'not an event file',
  });
  const words = ['--experiment', 'boards'];
  expect(await imported('tensorboard', folder, ...words, '--dry-run')).toMatchObject({
    found: { runs: 2 },
    problems: [],
  });
  expect(await imported('tensorboard', folder, ...words)).toMatchObject({
    code: 0,
    written: { runs: 2 },
    problems: [],
  });
  expect(await imported('tensorboard', folder, ...words)).toMatchObject({ found: { runs: 2 }, written: { runs: 0 } });
  expect(await imported('tensorboard', folder, ...words, '--all')).toMatchObject({
    written: { runs: 2 },
    problems: [],
  });
  const runs = await runsOf('boards');
  const train = runs.get('train')!;
  expect(train).toMatchObject({
    status: 'FINISHED',
    startedAt: 1_700_000_000_000,
    endedAt: 1_700_000_030_000,
    params: { lr: '0.1', optimizer: 'adam', nesterov: 'true' },
  });
  expect(await pointsOf(train.id, 'loss')).toHaveLength(20);
  expect(await pointsOf(train.id, 'acc')).toHaveLength(20);
  expect(await pointsOf(runs.get('eval')!.id, 'loss')).toEqual([{ step: 3, value: 'NaN' }]);
  const path = `${train.artifactUri.replace(/^mlflow-artifacts:\/*/, '')}/images/samples/7.png`;
  const stored = await fetch(`${dais.server.url}/api/v1/tracking/artifacts/content?path=${encodeURIComponent(path)}`);
  expect(Buffer.from(await stored.arrayBuffer())).toEqual(PNG);
  // A copy in another place has the same runs.
  const copy = await folderWith({
    'train/events.out.tfevents.1.host': await readFile(join(folder, 'train/events.out.tfevents.1.host')),
  });
  await imported('tensorboard', copy, ...words);
  expect(await runsOf('boards')).toHaveProperty('size', 2);
  expect(await pointsOf(train.id, 'loss')).toHaveLength(20);
});

test('a training that continues appends points, and one that restarted from a checkpoint replaces them', async () => {
  const first = 'events.out.tfevents.1.host';
  const folder = await folderWith({
    [first]: Buffer.concat(
      [0, 1, 2, 3].map((step) => write.event(1_700_000_000 + step, step, write.scalar('loss', step))),
    ),
  });
  // The end of a crashed training.
  const cut = write.event(1_700_000_009, 4, write.scalar('loss', 4)).subarray(0, 20);
  await appendFile(join(folder, first), cut);
  const words = ['--experiment', 'continued'];
  const report = await imported('tensorboard', folder, ...words);
  expect(report).toMatchObject({ code: 0, written: { runs: 1 }, problems: [] });
  expect(report.notes).toEqual([expect.stringContaining('the last record is incomplete')]);
  const run = [...(await runsOf('continued')).values()][0]!;
  expect(await pointsOf(run.id, 'loss')).toHaveLength(4);
  await writeFile(
    join(folder, 'events.out.tfevents.2.host'),
    Buffer.concat([
      write.event(1_700_000_019, 0),
      write.sessionStart(1_700_000_020, 4),
      write.event(1_700_000_021, 4, write.scalar('loss', 40)),
      write.event(1_700_000_022, 5, write.scalar('loss', 50)),
    ]),
  );
  expect(await imported('tensorboard', folder, ...words)).toMatchObject({ written: { runs: 1 }, problems: [] });
  const points = await pointsOf(run.id, 'loss');
  expect(points).toHaveLength(6);
  expect(points).toContainEqual({ step: 4, value: 40 });
});

test('damaged event files are reported with what was imported', async () => {
  const good = [1, 2, 3].map((step) => write.event(1_700_000_000 + step, step, write.scalar('loss', step)));
  const flipped = Buffer.from(good[1]!);
  flipped[20]! ^= 0xff;
  const lost = Buffer.from(good[1]!);
  lost[0]! ^= 0xff;
  const folder = await folderWith({
    'data/x.tfevents.1': Buffer.concat([good[0]!, flipped, good[2]!]),
    'length/x.tfevents.1': Buffer.concat([good[0]!, lost, good[2]!]),
    'other/x.tfevents.1': 'this is a text and no event file',
    'empty/x.tfevents.1': '',
  });
  const { code, found, problems } = await imported('tensorboard', folder, '--experiment', 'damaged');
  expect([code, found.runs]).toEqual([1, 2]);
  expect(problems.map(({ why }) => why)).toEqual([
    expect.stringMatching(/1 damaged record, the first at byte \d+\. 2 readable records of the run are imported/),
    expect.stringMatching(
      /damaged at byte \d+: \d+ bytes after it cannot be read\. 1 readable record of the run is imported/,
    ),
    expect.stringContaining('is not an event file'),
  ]);
  const runs = await runsOf('damaged');
  expect((await pointsOf(runs.get('data')!.id, 'loss')).map(({ step }) => step)).toEqual([1, 3]);
  expect((await pointsOf(runs.get('length')!.id, 'loss')).map(({ step }) => step)).toEqual([1]);
});

const offline = (id: string) => `wandb/offline-run-20260101_000000-${id}/run-${id}.wandb`;
const records = (id: string) => [
  write.message([21, write.message([1, '0.31.0'])]),
  write.wandb.run({
    id,
    project: 'flights',
    name: `run ${id}`,
    group: 'g',
    tags: ['a'],
    config: { lr: 0.1, net: { depth: 3 } },
  }),
  ...Array.from({ length: 10 }, (_, step) =>
    write.wandb.history(step, 1_700_000_000 + step, { loss: 1 / (step + 1), bad: Number.NaN }),
  ),
  write.wandb.stats(1_700_000_005, { cpu: 12.5 }),
  write.wandb.config({ later: 'x' }),
  // Larger than a block of the file.
  write.wandb.summary({ best: 0.25, loss: 0.1, text: 'y'.repeat(70_000) }),
];

test('offline runs of W&B have their configuration, history, summary, tags and files', async () => {
  const folder = await folderWith({
    [offline('one')]: write.wandbFile([...records('one'), write.wandb.exit(0)]),
    'wandb/offline-run-20260101_000000-one/files/media/images/a.png': PNG,
    [offline('two')]: write.wandbFile([...records('two'), write.wandb.exit(1)]),
    // Synced already, and resumed: the same run in two folders.
    'wandb/run-20260102_000000-one/run-one.wandb': write.wandbFile([
      write.wandb.run({ id: 'one', project: 'flights', name: 'run one' }),
      write.wandb.history(10, 1_700_000_100, { loss: 0.01 }),
      write.wandb.exit(0),
    ]),
    // A copy made while the run was in progress.
    [`backup/logs/${offline('one')}`]: write.wandbFile(records('one')),
    'secret.txt': 'outside of the folder of the run',
  });
  await symlink(join(folder, 'secret.txt'), join(folder, dirname(offline('one')), 'files/secret.txt'));
  const report = await imported('wandb', folder);
  expect(report).toMatchObject({ code: 0, found: { runs: 2 }, written: { runs: 2 }, problems: [] });
  expect(report.notes).toEqual([expect.stringContaining('1 link in the folder files not imported')]);
  expect(await imported('wandb', join(folder, 'wandb'))).toMatchObject({ found: { runs: 2 }, problems: [] });
  expect(await imported('wandb', folder, '--all')).toMatchObject({ written: { runs: 2 }, problems: [] });
  const runs = await runsOf('flights');
  expect([...runs.keys()].toSorted()).toEqual(['run one', 'run two']);
  const one = runs.get('run one')!;
  expect(one).toMatchObject({
    status: 'FINISHED',
    startedAt: 1_700_000_000_000,
    params: { lr: '0.1', 'net.depth': '3', later: 'x' },
    tags: {
      'wandb.run_id': 'one',
      'wandb.group': 'g',
      'wandb.tag.a': 'true',
    },
  });
  // Whole texts would fill the report of a failure.
  expect(one.tags['wandb.summary.text']?.length).toBe(70_000);
  expect(runs.get('run two')).toMatchObject({ status: 'FAILED' });
  expect(await pointsOf(one.id, 'loss')).toHaveLength(11);
  expect(await pointsOf(one.id, 'best')).toEqual([{ step: 10, value: 0.25 }]);
  expect(await pointsOf(one.id, 'system/cpu')).toEqual([{ step: 0, value: 12.5 }]);
  expect(await pointsOf(one.id, 'bad')).toHaveLength(10);
});

test('a run in progress has its status by the time of its file, and its summary when it ends', async () => {
  const path = offline('live');
  const folder = await folderWith({ [path]: write.wandbFile(records('live')) });
  const now = Date.now() / 1000;
  await utimes(join(folder, path), now, now);
  const words = ['--experiment', 'live'];
  await imported('wandb', folder, ...words);
  const live = (await runsOf('live')).get('run live')!;
  expect([live.status, live.endedAt]).toEqual(['RUNNING', undefined]);
  expect(live.metrics.map(({ key }) => key)).not.toContain('best');
  await writeFile(join(folder, path), write.wandbFile([...records('live'), write.wandb.exit(0)]));
  await imported('wandb', folder, ...words);
  const ended = (await runsOf('live')).get('run live')!;
  expect([ended.id, ended.status]).toEqual([live.id, 'FINISHED']);
  expect(await pointsOf(ended.id, 'best')).toEqual([{ step: 9, value: 0.25 }]);
  expect(await pointsOf(ended.id, 'loss')).toHaveLength(10);
});

test('a damaged or cut run file is reported, and its readable records are imported', async () => {
  const whole = write.wandbFile(records('cut'));
  const folder = await folderWith({
    [offline('cut')]: whole,
    [offline('bad')]: write.wandbFile(records('bad')),
    [offline('no')]: 'this is no run file',
    [offline('headless')]: write.wandbFile([write.wandb.history(1, 1_700_000_000, { loss: 1 })]),
  });
  await truncate(join(folder, offline('cut')), whole.length - 100);
  await utimes(join(folder, offline('cut')), 1_700_000_000, 1_700_000_000);
  const bytes = await readFile(join(folder, offline('bad')));
  bytes[400]! ^= 0xff;
  await writeFile(join(folder, offline('bad')), bytes);
  const { code, problems, notes } = await imported('wandb', folder, '--experiment', 'cut');
  expect([code, notes?.length]).toEqual([1, 1]);
  expect(notes?.[0]).toContain('the last record is incomplete');
  expect(problems.map(({ what, why }) => [what, why])).toEqual([
    [
      'run bad',
      expect.stringMatching(
        /is damaged in \d+ places?, the first at byte \d+\. \d+ readable records of it are imported/,
      ),
    ],
    ['run headless', expect.stringContaining('no record describes the run')],
    ['run no', expect.stringContaining('is not a W&B run file')],
    ['run no', expect.stringContaining('no record describes the run')],
  ]);
  const runs = await runsOf('cut');
  expect(runs.get('run cut')).toMatchObject({ status: 'FAILED', params: { lr: '0.1' } });
  expect(await pointsOf(runs.get('run cut')!.id, 'loss')).toHaveLength(10);
});

test('after a damaged block, a run file is read from the next record', async () => {
  const many = Array.from({ length: 3000 }, (_, step) =>
    write.wandb.history(step, 1_700_000_000 + step, { loss: step }),
  );
  const bytes = write.wandbFile([write.wandb.run({ id: 'block', project: 'p' }), ...many, write.wandb.exit(0)]);
  bytes[32_768 + 500]! ^= 0xff;
  const folder = await folderWith({ [offline('block')]: bytes });
  const { code, problems } = await imported('wandb', folder, '--experiment', 'block');
  expect([code, problems.length]).toEqual([1, 1]);
  expect(problems[0]?.why).toContain('is damaged in 1 place, ');
  const points = await ask<{ items: object[] }>(
    `tracking/runs/${(await runsOf('block')).get('block')!.id}/metrics/loss`,
  );
  // A block has some 400 records, and only they are lost.
  expect(points.items.length).toBeGreaterThan(2500);
  expect(points.items.length).toBeLessThan(3000);
});

test('exported histories: a table of one run, a chart of several, and lines of JSON', async () => {
  const folder = await folderWith({
    'exports/history.csv': '_step,_timestamp,loss,note\n0,1700000000.5,1.0,x\n1,1700000001.5,nan,\n2,1700000002.5,,\n',
    'exports/chart.csv': '"Step","a - loss","a - loss__MIN","a - loss__MAX","b - loss"\n0,1,0,2,3\n5,0.5,0,2,\n',
    'exports/rows.jsonl':
      '{"_step": 3, "_timestamp": 1700000000, "m": {"x": 0.5}, "i": {"_type": "image-file", "w": 1}}\nbroken\n',
  });
  for (const file of ['history.csv', 'chart.csv']) {
    const report = await imported('wandb', join(folder, 'exports', file));
    expect([file, report.code, report.problems]).toEqual([file, 0, []]);
    expect(await imported('wandb', join(folder, 'exports', file), '--all')).toMatchObject({ problems: [] });
  }
  const { code, problems } = await imported('wandb', join(folder, 'exports/rows.jsonl'));
  expect([code, problems[0]?.why]).toEqual([1, expect.stringContaining('the first is line 2. 1 other line imported')]);
  const runs = await runsOf('exports');
  expect([...runs.keys()].toSorted()).toEqual(['a', 'b', 'history', 'rows']);
  expect(await pointsOf(runs.get('history')!.id, 'loss')).toEqual([
    { step: 0, value: 1 },
    { step: 1, value: 'NaN' },
  ]);
  expect(await pointsOf(runs.get('a')!.id, 'loss')).toHaveLength(2);
  expect(runs.get('a')!.metrics).toHaveLength(1);
  expect(await pointsOf(runs.get('b')!.id, 'loss')).toEqual([{ step: 0, value: 3 }]);
  expect(await pointsOf(runs.get('rows')!.id, 'm.x')).toEqual([{ step: 3, value: 0.5 }]);
});

test('a folder without logs and a path that does not exist are clear errors', async () => {
  const folder = await folderWith({ 'a.txt': 'x' });
  for (const tool of ['wandb', 'tensorboard']) {
    const none = await dais.run(['import', tool, '-q', '--from', folder]);
    expect([none.code, none.err]).toEqual([expect.any(Number), expect.stringContaining('contains no')]);
    expect(none.code).not.toBe(0);
    const missing = await dais.run(['import', tool, '-q', '--from', join(folder, 'missing')]);
    expect(missing.err).toContain('Not found');
  }
});
