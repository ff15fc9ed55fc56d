import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { UsageSum } from '@dais/api/usage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let dais: CliFixture;

beforeAll(async () => {
  dais = await CliFixture.shared();
});
afterAll(async () => {
  await dais.stop();
});

const run = async (...words: string[]) => await dais.run(words, { workingFolder: dais.folder });

test('usage of a job is summed by group, listed and exported', async () => {
  const nothing = await run('usage');
  expect([nothing.code, nothing.out]).toEqual([0, '']);
  expect(nothing.err).toContain('No usage in this period. Run a job,');

  expect((await run('run', '--name', 'nightly', '--', 'sleep', '1')).code).toBe(0);
  const byResource = await run('usage');
  expect(byResource.out).toMatch(/^RESOURCE +ATTEMPTS +STEPS \(S\)/);
  expect(byResource.out).toMatch(/\nJob\/nightly +1 +\d+\.\d+/);
  expect(byResource.out).toMatch(/\ntotal +1 /);

  const json = await run('usage', '--by', 'person', '--since', '1h', '-o', 'json');
  const { by, items, total } = JSON.parse(json.out) as { by: string; items: UsageSum[]; total: UsageSum };
  expect(by).toBe('person');
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({ attempts: 1, stepSeconds: total.stepSeconds });
  expect(total.stepSeconds).toBeGreaterThan(1);
  const own = JSON.parse((await run('usage', '--mine', '--by', 'project', '-o', 'json')).out) as { items: UsageSum[] };
  expect(own.items.map(({ attempts }) => attempts)).toContain(1);
  expect((await run('usage', '--person', 'nobody')).out).toBe('');

  const records = await run('usage', '--records');
  expect(records.out).toMatch(/^END +TYPE +QUANTITY +PROJECT +PERSON +RESOURCE +NODE\n/);
  expect(records.out).toMatch(/\n\S+Z +step +[1-9]\d*(\.\d+)? second .*Job\/nightly/);

  expect((await run('usage', '--export', 'usage.csv')).code).toBe(0);
  expect((await readFile(join(dais.folder, 'usage.csv'), 'utf8')).split('\n')[1]).toContain('Job/nightly');
  expect((await run('usage', '--organization', '--export', 'all.parquet')).code).toBe(0);
  const bytes = await readFile(join(dais.folder, 'all.parquet'));
  expect(bytes.subarray(0, 4).toString('latin1')).toBe('PAR1');
});

test('wrong options are refused with what to do', async () => {
  const text = await run('usage', '--export', 'usage.xlsx');
  expect(text.code).not.toBe(0);
  expect(text.err).toContain('Use a name that ends in .csv or .parquet.');
  expect((await run('usage', '--mine', '--organization')).err).toContain('Use --organization or --mine, not both.');
  expect((await run('usage', '--by', 'color')).code).not.toBe(0);
});
