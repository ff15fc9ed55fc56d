/** `npm run quickstart -- --slice --exit`, as somebody types it who has just cloned: what it says must be so. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startQuickstart } from '../quickstart-process.ts';
import type { QuickstartProcess } from '../quickstart-process.ts';
import type { Told } from './story.mjs';

/** A limit against hanging: packages to train with are downloaded, and at load 15 it took 24 minutes. */
const MOST_MS = 2_400_000;

let folder: string;
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
async function tell(): Promise<{ readonly output: string; readonly told: Told }> {
  running = startQuickstart(folder, ['--slice', '--exit', '--port', String(await freePort())]);
  const { code, output } = await running.ended;
  expect(output).toContain('Dais has stopped.');
  expect(code).toBe(0);
  return { output, told: JSON.parse(readFileSync(join(folder, 'data', 'story', 'told.json'), 'utf8')) as Told };
}

test(
  'the story of the slice: data, training, refusals, serving, drift, retraining, take-over, lineage; and again',
  { timeout: MOST_MS },
  async () => {
    const { output, told } = await tell();
    expect(output).toContain('nyc_flights@2 is quarantined');
    expect(output).toContain('0 flights had landed before they were to leave');
    expect(told.data).toMatchObject({ flights: 8001, training: 7652, version: 1, again: false });
    expect(told.more).toMatchObject({ flights: 12_617, training: 12_064, version: 2, again: false });

    expect(told.first).toMatchObject({ version: '1', against: 'nobody', flights: 5604, frozen: { flights: 2021 } });
    expect(told.first.frozen.roc_auc).toBeGreaterThan(0.6);
    expect(told.first.frozen.roc_auc).toBeLessThan(0.8);
    const refused = {
      alias: expect.stringContaining('approval_missing') as string,
      own: expect.stringContaining('four-eyes-on-models') as string,
    };
    expect(told.firstDecision).toMatchObject({ approved: true, ...refused });
    // And nothing else that it or its steps had to do was refused.
    for (const { name, policies } of told.refused) {
      expect({ name, policies }).toEqual({ name: 'nyc-late', policies: ['default/four-eyes-on-models'] });
    }
    expect(told.refused.map(({ action }) => action)).toContain('model:approve');

    // The season: a week of February is like the winter that it learned from, July is not.
    const { calm, drifted, decision, trainedOn } = told.finding;
    expect(calm).toMatchObject({ number: 1, rows: 900, verdict: 'ok', baseline: 'nyc_training@1' });
    expect(Math.max(...calm.columns.map(({ psi }) => psi))).toBeLessThan(3);
    expect(drifted).toMatchObject({ number: 4, rows: 900, verdict: 'bad', baseline: 'nyc_training@1' });
    expect(drifted.columns[0]?.column).toBe('temp');
    expect(drifted.columns[0]?.psi).toBeGreaterThan(7);
    expect(drifted.columns[1]?.psi).toBeLessThan(3);
    expect(told.finding.columns).toEqual(['temp']);
    expect(calm.performance?.labelled).toBeGreaterThan(0);
    expect(trainedOn).toBe('nyc_training@1');

    // The run that the alert started, and nobody else's, made the second version, which is better with confidence.
    expect(decision).toMatchObject({ outcome: 'started', pipeline: 'nyc-late', run: told.second.execution });
    expect(told.second).toMatchObject({ version: '2', against: 'nyc-late/1', better: true });
    expect(told.second.gain.low).toBeGreaterThan(0);
    expect(told.secondDecision).toMatchObject({ approved: true, ...refused });
    expect(told.shadow).toMatchObject({ failed: 0 });
    expect(told.shadow.flights).toBeGreaterThan(300);
    expect(told.shadow.apart).toBeGreaterThan(0);
    expect(told.rollout).toMatchObject({ state: 'promoted' });
    expect(told.champion).toBe('2');

    expect(told.counted).toMatchObject({ failed: 0, labelled: told.counted.requests });
    expect(told.counted.requests).toBeGreaterThan(5000);
    expect(told.windows).toBe(Math.floor(told.counted.requests / 900));

    // Why one prediction was said, and back from it: to the data it was trained on, and to the raw rows of these.
    const { base, answer, columns } = told.explanation ?? { base: 0, answer: 1, columns: [] };
    expect(base + columns.reduce((sum, { moved }) => sum + moved, 0)).toBeCloseTo(answer, 2);
    expect(told.lineage['model-version']).toContain(`nyc-late/${told.named?.version}`);
    const names = Object.values(told.lineage).flat().join(' ');
    for (const name of ['nyc_training', 'nyc_flights', 'nyc_weather']) expect(names).toContain(name);
    expect(told.links).toHaveLength(5);
    expect(told.links[0]?.address).toContain('/monitors/nyc-late?window=4&check=drift&column=temp');

    const again = await tell();
    expect(again.output).toContain('It is there from before: 12,617 flights.');
    const { first, second, finding, champion } = told;
    expect(again.told).toMatchObject({
      data: { again: true },
      more: { again: true },
      first,
      second,
      finding,
      champion,
    });
    expect(again.told.counted).toMatchObject({ failed: 0, labelled: again.told.counted.requests });
  },
);
