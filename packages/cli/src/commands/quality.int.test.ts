import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
const write = async (file: string, text: string) => {
  await writeFile(join(dais.folder, file), text);
};
const csv = (rows: number, row: (i: number) => string) =>
  `id,age,carrier\n${Array.from({ length: rows }, (_, i) => row(i)).join('\n')}\n`;

test('from the first profile to a gate: profile, suggest, check, quarantine, report, release', async () => {
  await write(
    'good.csv',
    csv(60, (i) => `${i},${20 + (i % 40)},${i % 2 === 0 ? 'AA' : 'DL'}`),
  );
  await write(
    'bad.csv',
    csv(60, (i) => `${i},${i < 3 ? '' : '-1'},${i === 5 ? 'XX' : 'DL'}`),
  );
  expect((await run('data', 'push', 'flights', 'good.csv')).code).toBe(0);
  const profile = await run('data', 'profile', 'flights');
  expect(profile.out).toMatch(/^COLUMN +TYPE +MISSING +DISTINCT +MIN +MEDIAN +MAX +MOST FREQUENT\n/);
  expect(profile.out).toMatch(/\nid .* 60 /);
  expect(profile.out).toMatch(/\ncarrier +string +0\.0 % +2 .*AA 50\.0 %, DL 50\.0 %/);
  expect(profile.err).toContain('60 rows, 3 columns.');

  const suggested = await run('data', 'suggest', 'flights@1');
  expect(suggested.out).toContain('spec:\n  expectations:\n');
  expect(suggested.out).toMatch(/# the column has 2 distinct values, the least frequent in 30 rows\n +- type: domain/);
  await write('expectations.yaml', suggested.out);
  const checked = await run('data', 'check', 'flights', '-f', 'expectations.yaml');
  expect([checked.code, checked.out.split('\n').at(-2)]).toEqual([
    0,
    expect.stringMatching(/^\d+ expectations passed\.$/),
  ]);

  const manifest = [
    'apiVersion: dais.dev/v1',
    'kind: Dataset',
    'metadata: {name: flights}',
    'spec:',
    '  expectations:',
    '    - {type: completeness, columns: [age]}',
    '    - {type: domain, columns: [carrier], values: [AA, DL], severity: warn}',
    '',
  ].join('\n');
  expect((await dais.run(['apply', '-f', '-'], { stdin: manifest })).code).toBe(0);
  const pushed = await run('data', 'push', 'flights', 'bad.csv');
  expect(pushed.code).toBe(7);
  expect(pushed.err).toContain('flights@2 is quarantined. Failed: completeness(age) (95.0 % of 60 rows).');
  expect((await run('data', 'head', 'flights@latest', '-n', '1')).out).toContain('20');
  expect((await run('data', 'sql', 'select count(*) as n from "flights@2"')).out).toContain('60');

  const report = await run('data', 'report', 'flights@2');
  expect(report.out).toContain('flights@2 is quarantined.');
  expect(report.out).toContain(
    '✕ completeness(age)\n    age: 95.0 % of 60 rows; expected every row has a value (FEATURE_TYPE_LOW_FRACTION_PRESENT)\n',
  );
  expect(report.out).toContain('! domain(carrier) (warns)\n');
  expect((await run('data', 'report', 'flights@2', '--html')).out).toMatch(/^<!doctype html>/);
  expect((await run('data', 'checks', 'flights')).out).toMatch(/\n2 +failed +yes +0 +1 +1 /);

  const silent = await run('data', 'release', 'flights@2');
  expect([silent.code, silent.err]).toEqual([7, expect.stringContaining('--reason')]);
  const released = await run('data', 'release', 'flights@2', '--reason', 'ages come later');
  expect(released.out).toBe('flights@2 is ready.\n');
  expect((await run('data', 'versions', 'flights')).out).toMatch(/\n2 +ready /);
});

test('a file that is not a list of expectations is rejected with positions', async () => {
  await write('wrong.yaml', '- {type: range, columns: [age], mim: 3}\n');
  const refused = await run('data', 'check', 'flights@1', '-f', 'wrong.yaml');
  expect(refused.code).toBe(7);
  expect(refused.err).toContain('mim');
});
