/** `npm run quickstart -- --slice --exit`, as somebody types it who has just cloned: what it says must be so. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, runCommand } from '../command.mjs';
import { ensureProgram } from '../debian-packages.mjs';
import { environment } from '../environment.mjs';
import type { Told } from './story.mjs';

/** A machine at load 20 took a quarter of an hour; an idle one takes two minutes. */
const MOST_MS = 2_400_000;

let folder: string;
beforeAll(async () => {
  await ensureProgram('The steps of the story are isolated with bubblewrap.', ['bwrap'], 'bubblewrap');
  folder = mkdtempSync(join(tmpdir(), 'story-'));
  const { code, output } = await runCommand('node', ['tools/build.mjs'], { quiet: true });
  if (code !== 0) throw new Error(output);
}, MOST_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function quickstart(): Promise<{ readonly code: number | null; readonly output: string; readonly told: Told }> {
  const data = join(folder, 'data');
  const args = ['--slice', '--exit', '--data', data, '--port', String(await freePort())];
  const child = spawn('node', ['tools/quickstart.mjs', ...args], {
    cwd: root,
    env: { ...environment, DAIS_KEYS_FOLDER: join(folder, 'keys') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(output);
  return { code, output, told: JSON.parse(readFileSync(join(data, 'story', 'told.json'), 'utf8')) as Told };
}

test(
  'the story is told on a part of two months: data, training, refusals, serving, lineage; and again',
  async () => {
    const { output, told } = await quickstart();
    expect(output).toContain('nyc_flights@2 is quarantined');
    expect(output).toContain('0 flights had landed before they were to leave');
    expect(told.data).toMatchObject({ flights: 8001, training: 7652, again: false });

    expect(told.first.version).toBe('1');
    expect(told.first.frozen.flights).toBeGreaterThan(1000);
    expect(told.first.frozen.roc_auc).toBeGreaterThan(0.55);
    expect(told.first.frozen.roc_auc).toBeLessThan(0.95);
    expect(told.firstDecision.approved).toBe(true);
    expect(told.firstDecision.alias).toContain('approval_missing');
    expect(told.firstDecision.own).toContain('four-eyes-on-models');

    // Better is what stays better whichever flights are drawn; all else must not become champion.
    expect(told.second.against).toBe('nyc-late/1');
    expect(told.second.better).toBe(told.second.gain.low > 0);
    expect(told.secondDecision.approved).toBe(told.second.better);
    expect(told.champion).toBe(told.second.better ? '2' : '1');

    expect(told.counted.failed).toBe(0);
    expect(told.counted.requests).toBeGreaterThan(1000);
    expect(told.counted.labelled).toBe(told.counted.requests);

    // Back from one prediction to raw rows.
    const names = Object.values(told.lineage).flat().join(' ');
    expect(names).toContain('nyc_training');
    expect(names).toContain('nyc_flights');
    expect(names).toContain('nyc_weather');
    expect(output).toContain('Dais has stopped.');

    const again = await quickstart();
    expect(again.output).toContain('It is there from before: 8,001 flights.');
    expect(again.told.data.again).toBe(true);
    expect(again.told.counted.failed).toBe(0);
    expect(Number(again.told.second.version)).toBeGreaterThan(Number(told.second.version));
  },
  MOST_MS,
);
