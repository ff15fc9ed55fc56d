import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { silentLog } from '#lib/log.ts';
import { LoadJournal } from './load-journal.ts';

let folder: string;
let clock: ManualClock;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-journal-'));
  clock = new ManualClock();
});
afterEach(async () => await rm(folder, { recursive: true }));

const open = async () => await LoadJournal.open({ folder, clock, log: silentLog });
const crash = { reason: 'exit code 3.', hasAnswered: false, isOwnError: true };

test('two consecutive ends quarantine a model, also for later gateways', async () => {
  const journal = await open();
  expect(journal.end('m', crash)).toBeUndefined();
  expect(journal.end('m', crash)).toMatch(/ended abnormally twice in a row.*exit code 3/);
  await journal.flush();
  const next = await open();
  expect(next.recordOf('m').quarantine?.reason).toMatch(/twice/);
  expect(next.recordOf('n').quarantine).toBeUndefined();
});

test('a success between two ends resets the count; many ends quarantine anyway', async () => {
  const journal = await open();
  const answered = { ...crash, hasAnswered: true };
  for (let time = 0; time < 4; time++) expect(journal.end('m', answered)).toBeUndefined();
  expect(journal.end('m', answered)).toMatch(/5 times within 10 minutes/);
  for (let time = 0; time < 8; time++) {
    expect(journal.end('n', answered)).toBeUndefined();
    clock.advance(200_000);
  }
  // Killing processes manually quarantines no model that serves.
  for (let time = 0; time < 20; time++) {
    expect(journal.end('o', { ...answered, isOwnError: false })).toBeUndefined();
  }
});

test('a resume ends a quarantine once', async () => {
  const journal = await open();
  journal.end('m', crash);
  journal.end('m', crash);
  expect(journal.resume('m', 0)).toBe(false);
  expect(journal.resume('m', 1)).toBe(true);
  expect(journal.recordOf('m').quarantine).toBeUndefined();
  journal.end('m', crash);
  journal.end('m', crash);
  expect(journal.resume('m', 1)).toBe(false);
  expect(journal.recordOf('m').quarantine).toBeDefined();
});

test('a gateway that dies twice while loading a model quarantines it; a successful load between resets the count', async () => {
  const first = await open();
  await first.start('m');
  await first.start('innocent');
  await first.succeed('innocent', 10);
  const second = await open();
  expect(second.isSuspect('m')).toBe(true);
  expect(second.isSuspect('innocent')).toBe(false);
  expect(await readdir(join(folder, 'loading'))).toEqual([]);
  await second.start('m');
  await second.succeed('m', 10);
  const third = await open();
  await third.start('m');
  const fourth = await open();
  await fourth.start('m');
  const fifth = await open();
  expect(fifth.recordOf('m').quarantine?.reason).toBe('The gateway ended 2 times while it was loading the model.');
});

test('models in no snapshot are removed, except quarantines', async () => {
  const journal = await open();
  await journal.start('gone');
  await journal.succeed('gone', 5);
  journal.end('bad', crash);
  journal.end('bad', crash);
  journal.keepOnly(new Set());
  expect(journal.recordOf('gone').isProven).toBe(false);
  expect(journal.recordOf('bad').quarantine).toBeDefined();
  await journal.flush();
});

test('a regular shutdown leaves no suspect; an unreadable journal is replaced', async () => {
  for (let time = 0; time < 3; time++) {
    const journal = await open();
    expect(journal.recordOf('m')).toMatchObject({ deaths: 0 });
    await journal.start('m');
    await journal.close();
  }
  await writeFile(join(folder, 'loads.json'), '{"v": 1, "models": {"m": {"deaths": "many"}}}');
  expect((await open()).recordOf('m')).toMatchObject({ deaths: 0, isProven: false });
});
