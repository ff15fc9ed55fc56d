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
  'the story of the slice: data, training, refusals, serving, lineage; and again',
  { timeout: MOST_MS },
  async () => {
    const { output, told } = await tell();
    expect(output).toContain('nyc_flights@2 is quarantined');
    expect(output).toContain('0 flights had landed before they were to leave');
    expect(told.data).toMatchObject({ flights: 8001, training: 7652, again: false });

    expect(told.first).toMatchObject({ version: '1', against: 'nobody', flights: 3956, frozen: { flights: 1648 } });
    expect(told.first.frozen.roc_auc).toBeGreaterThan(0.6);
    expect(told.first.frozen.roc_auc).toBeLessThan(0.9);
    expect(told.firstDecision).toMatchObject({
      approved: true,
      alias: expect.stringContaining('approval_missing'),
      own: expect.stringContaining('four-eyes-on-models'),
    });

    expect(told.refused).toContainEqual({
      action: 'model:approve',
      name: 'nyc-late',
      policies: ['default/four-eyes-on-models'],
    });

    // Better is what stays better whichever flights are drawn; nothing else may become champion.
    expect(told.second).toMatchObject({ version: '2', against: 'nyc-late/1', better: told.second.gain.low > 0 });
    expect(told.secondDecision.approved).toBe(told.second.better);
    expect(told.champion).toBe(told.second.better ? '2' : '1');

    expect(told.counted).toMatchObject({ failed: 0, labelled: told.counted.requests });
    expect(told.counted.requests).toBeGreaterThan(1500);

    // Back from one prediction: to the data it was trained on, and to the raw rows of these.
    expect(told.lineage['model-version']).toContain('nyc-late/1');
    const names = Object.values(told.lineage).flat().join(' ');
    for (const name of ['nyc_training', 'nyc_flights', 'nyc_weather']) expect(names).toContain(name);

    const again = await tell();
    expect(again.output).toContain('It is there from before: 8,001 flights.');
    expect(again.told).toMatchObject({
      data: { flights: 8001, training: 7652, again: true },
      first: told.first,
      second: told.second,
      champion: told.champion,
      counted: { failed: 0, requests: 2 * told.counted.requests, labelled: 2 * told.counted.requests },
    });
  },
);
