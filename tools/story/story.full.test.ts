/**
 * `npm run quickstart -- --slice --exit`, as after a fresh clone: its output must be true. Then the same demo while
 * processes of Dais are killed: it must have the same results.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { environment } from '../environment.mjs';
import { client } from './client.mjs';
import { KilledDais } from './killed-dais.ts';
import { runStory } from './story.mjs';
import { freePort, startQuickstart } from '../quickstart-process.ts';
import type { QuickstartProcess } from '../quickstart-process.ts';
import type { StoryResult } from './story.mjs';

/** A limit against hanging: packages to train with are downloaded, and at load 15 it took 24 minutes. */
const MOST_MS = 3_600_000;
const KILL_EVERY_MS = 10_000;
/** Tolerance for a window that starts some flights later; undisturbed ones differ by 7. */
const MOST_APART = 0.5;

let folder: string;
let undisturbed: StoryResult | undefined;
let running: QuickstartProcess | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'story-'));
});
afterAll(async () => {
  running?.interrupt();
  await running?.ended;
  rmSync(folder, { recursive: true, force: true });
}, MOST_MS);

/** A second time it is on the same data. */
async function runQuickstart(): Promise<{ readonly output: string; readonly reported: StoryResult }> {
  running = startQuickstart(folder, ['--slice', '--exit', '--port', String(await freePort())]);
  const { code, output } = await running.ended;
  expect(output).toContain('Dais has stopped.');
  expect(code).toBe(0);
  return {
    output,
    reported: JSON.parse(readFileSync(join(folder, 'data', 'story', 'result.json'), 'utf8')) as StoryResult,
  };
}

test(
  'the story of the slice: data, training, refusals, serving, drift, retraining, take-over, lineage; and again',
  { timeout: MOST_MS },
  async () => {
    const { output, reported } = await runQuickstart();
    undisturbed = reported;
    expect(reported.traffic).toMatchObject({ failed: 0, again: 0 });
    expect(output).toContain('nyc_flights@2 is quarantined');
    expect(output).toContain('0 flights landed before their scheduled departure');
    expect(reported.data).toMatchObject({ flights: 8001, training: 7652, version: 1, again: false });
    expect(reported.more).toMatchObject({ flights: 12_617, training: 12_064, version: 2, again: false });

    expect(reported.first).toMatchObject({ version: '1', against: 'nobody', flights: 5604, frozen: { flights: 2021 } });
    expect(reported.first.frozen.roc_auc).toBeGreaterThan(0.6);
    expect(reported.first.frozen.roc_auc).toBeLessThan(0.8);
    const refused = {
      alias: expect.stringContaining('approval_missing') as string,
      own: expect.stringContaining('four-eyes-on-models') as string,
    };
    expect(reported.firstDecision).toMatchObject({ approved: true, ...refused });
    // And nothing else that it or its steps had to do was refused.
    for (const { name, policies } of reported.refused) {
      expect({ name, policies }).toEqual({ name: 'nyc-late', policies: ['default/four-eyes-on-models'] });
    }
    expect(reported.refused.map(({ action }) => action)).toContain('model:approve');

    // The season: a week of February is similar to the training data of the winter, July is not.
    const { calm, drifted, decision, trainedOn } = reported.finding;
    expect(calm).toMatchObject({ number: 1, rows: 900, status: 'passing', baseline: 'nyc_training@1' });
    expect(Math.max(...calm.columns.map(({ psi }) => psi))).toBeLessThan(3);
    expect(drifted).toMatchObject({ number: 4, rows: 900, status: 'failing', baseline: 'nyc_training@1' });
    expect(drifted.columns[0]?.column).toBe('temp');
    expect(drifted.columns[0]?.psi).toBeGreaterThan(7);
    expect(drifted.columns[1]?.psi).toBeLessThan(3);
    expect(reported.finding.columns).toEqual(['temp']);
    expect(calm.performance?.labeled).toBeGreaterThan(0);
    expect(trainedOn).toBe('nyc_training@1');

    // The run that the alert started, and no other run, created the second version, which is better with confidence.
    expect(decision).toMatchObject({ outcome: 'started', pipeline: 'nyc-late', run: reported.second.execution });
    expect(reported.second).toMatchObject({ version: '2', against: 'nyc-late/1', better: true });
    expect(reported.second.gain.low).toBeGreaterThan(0);
    expect(reported.secondDecision).toMatchObject({ approved: true, ...refused });
    expect(reported.shadow).toMatchObject({ failed: 0 });
    expect(reported.shadow.flights).toBeGreaterThan(300);
    expect(reported.shadow.apart).toBeGreaterThan(0);
    expect(reported.rollout).toMatchObject({ state: 'promoted' });
    expect(reported.champion).toBe('2');

    expect(reported.counted).toMatchObject({ failed: 0, labeled: reported.counted.requests });
    expect(reported.counted.requests).toBeGreaterThan(5000);
    expect(reported.windows).toBe(Math.floor(reported.counted.requests / 900));

    // Explanation and lineage of one prediction: the training data, and the raw rows of it.
    const { base, answer, columns } = reported.explanation ?? { base: 0, answer: 1, columns: [] };
    expect(base + columns.reduce((sum, { moved }) => sum + moved, 0)).toBeCloseTo(answer, 2);
    expect(reported.lineage['model-version']).toContain(`nyc-late/${reported.named?.version}`);
    const names = Object.values(reported.lineage).flat().join(' ');
    for (const name of ['nyc_training', 'nyc_flights', 'nyc_weather']) expect(names).toContain(name);
    expect(reported.links).toHaveLength(5);
    expect(reported.links[0]?.address).toContain('/monitors/nyc-late?window=4&check=drift&column=temp');

    const again = await runQuickstart();
    expect(again.output).toContain('Already present: 12,617 flights.');
    const { first, second, finding, champion } = reported;
    expect(again.reported).toMatchObject({
      data: { again: true },
      more: { again: true },
      first,
      second,
      finding,
      champion,
    });
    expect(again.reported.counted).toMatchObject({ failed: 0, labeled: again.reported.counted.requests });
  },
);

test('and with a kill -9 of a process of Dais every 10 s it ends in the same way', { timeout: MOST_MS }, async () => {
  const calm = undisturbed ?? (await runQuickstart()).reported;
  const seed = Number(environment['DAIS_STORY_SEED'] ?? Date.now() % 1_000_000);
  const location = join(folder, 'killed');
  mkdirSync(location);
  const port = await freePort();
  const dais = await KilledDais.start({ folder: location, port, random: randomOf(seed), everyMs: KILL_EVERY_MS });
  let printed = '';
  const history = () => `seed ${seed}, ${dais.killed.length} kills:\n${dais.killed.join('\n')}\n${printed}`;
  let hasEnded = false;
  onTestFinished(async () => {
    // At a timeout, this is the only report of what it waited for.
    if (!hasEnded) process.stdout.write(`${history()}\n${dais.log.slice(-6000)}\n`);
    await dais.stop();
  }, MOST_MS);
  dais.begin();
  const out = {
    isTTY: false,
    write: (text: string) => {
      printed += text;
      return true;
    },
  };
  const running = runStory({
    url: dais.url,
    data: dais.data,
    work: join(dais.data, 'story'),
    slice: true,
    speed: undefined,
    before: undefined,
    keep: () => {},
    out,
  });
  const reported = await running.catch((error: unknown) => {
    throw new Error('the story did not end', { cause: error });
  });
  hasEnded = true;
  await dais.rest();
  process.stdout.write(`${history()}\n`);

  // The same data and models, to the last digit.
  for (const name of ['data', 'more'] as const) expect(reported[name]).toEqual(calm[name]);
  for (const name of ['first', 'second'] as const) {
    const { execution: _, run: __, ...result } = reported[name];
    expect(result).toEqual({ ...calm[name], execution: undefined, run: undefined });
  }
  expect(reported.firstDecision).toMatchObject({
    approved: true,
    alias: calm.firstDecision.alias,
    own: calm.firstDecision.own,
  });
  expect(reported.secondDecision).toMatchObject({ approved: true });
  expect(reported.champion).toBe(calm.champion);

  // The same reports. A stored request without a response counts too, so windows start some flights apart.
  const { finding } = reported;
  for (const name of ['calm', 'drifted'] as const) {
    const [now, then] = [finding[name], calm.finding[name]];
    const { number, rows, baseline, status } = then;
    expect(now).toMatchObject({ number, rows, baseline, status });
    const before = new Map(then.columns.map(({ column, psi }) => [column, psi]));
    const moved = now.columns.filter(({ column, psi }) => !(Math.abs(psi - (before.get(column) ?? NaN)) < MOST_APART));
    expect(moved).toEqual([]);
  }
  expect(finding.columns).toEqual(calm.finding.columns);
  expect(finding.decision).toMatchObject({ outcome: 'started', run: reported.second.execution });
  expect(finding.trainedOn).toBe(calm.finding.trainedOn);
  expect(reported.rollout).toMatchObject({ state: 'promoted' });

  // The same counts: every flight was answered, kept and labeled, once.
  expect(reported.traffic).toMatchObject({ requests: calm.traffic.requests, failed: 0 });
  expect(reported.counted.labeled).toBe(calm.counted.labeled);
  expect(reported.counted.requests - reported.counted.labeled).toBeLessThanOrEqual(reported.traffic.again);
  expect(reported.windows).toBe(Math.floor((reported.counted.requests - reported.counted.failed) / 900));
  expect(Object.keys(reported.lineage).toSorted()).toEqual(Object.keys(calm.lineage).toSorted());
  const owner = client(dais.url, readFileSync(join(dais.data, 'owner-token'), 'utf8').trim());
  const count = async (path: string) => (await owner.call('GET', `${path}?limit=100`)).items.length as number;
  const counts = {
    '/api/v1/executions': 2,
    '/api/v1/registry/models/nyc-late/approvals': 2,
    '/api/v1/data/datasets/nyc_training/versions': 2,
    '/api/v1/data/datasets/nyc_flights/versions': 4,
    '/api/v1/monitoring/monitors/nyc-late/decisions': 1,
  };
  const found = await Promise.all(Object.keys(counts).map(async (path) => [path, await count(path)] as const));
  expect(Object.fromEntries(found)).toEqual(counts);
  expect(await dais.stop()).toBe(0);
});

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
