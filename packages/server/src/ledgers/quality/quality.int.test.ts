import type { Event } from '@dais/api';
import type { DatasetVersion, Suggestion } from '@dais/api/data';
import { expectationsSchema } from '@dais/api/data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startQualityWorld, type QualityWorld } from './testing/quality-world.ts';

let world: QualityWorld;
beforeAll(async () => {
  world = await startQualityWorld();
});
afterAll(async () => {
  await world.stop();
});

function csv(rows: number, row: (i: number) => string): string {
  return `id,age,carrier,mail\n${Array.from({ length: rows }, (_, i) => row(i)).join('\n')}\n`;
}
const good = csv(100, (i) => `${i},${20 + (i % 50)},${['AA', 'DL', 'UA'][i % 3]},p${i}@example.com`);
const bad = csv(100, (i) => `${i},${i < 7 ? '' : i === 8 ? -4 : 30},${i === 9 ? 'XX' : 'AA'},p${i}@example.com`);

const gates = [
  { type: 'completeness', columns: ['age'], description: 'Ages are needed by the model' },
  { type: 'range', columns: ['age'], min: 0, max: 130 },
  { type: 'domain', columns: ['carrier'], values: ['AA', 'DL', 'UA'], severity: 'warn' },
  { type: 'unique', columns: ['id'] },
];

describe('blocking checks', () => {
  test('a passing version becomes ready; a failing one is quarantined, and latest does not move', async () => {
    const name = await world.dataset({ expectations: gates });
    const first = await world.push(name, { 'a.csv': good });
    const check = await world.checked(`${name}@1`);
    expect(check).toMatchObject({ state: 'passed', gate: true, passed: 4, failed: 0, warned: 0 });
    expect(first.version).toBe(1);
    expect((await world.version(`${name}@1`)).state).toBe('ready');

    await world.push(name, { 'b.csv': bad });
    const broken = await world.checked(`${name}@2`);
    expect(broken).toMatchObject({ state: 'failed', passed: 1, failed: 2, warned: 1 });
    expect(broken.results.map((result) => [result.type, result.outcome])).toEqual([
      ['completeness', 'failed'],
      ['range', 'failed'],
      ['domain', 'failed'],
      ['unique', 'passed'],
    ]);
    expect(broken.results[0]).toMatchObject({
      description: 'Ages are needed by the model',
      findings: [
        {
          column: 'age',
          anomaly: 'FEATURE_TYPE_LOW_FRACTION_PRESENT',
          observed: '93.0 % of 100 rows',
          allowed: 'every row has a value',
          rows: 100,
          broken: 7,
        },
      ],
      sample: { total: 7 },
    });
    expect(broken.results[0]?.sample?.rows).toHaveLength(7);
    const version = await world.version(`${name}@2`);
    expect(version).toMatchObject({
      state: 'quarantined',
      reason: expect.stringContaining('completeness(age)') as string,
    });
    expect((await world.version(`${name}@latest`)).number).toBe(1);
  });

  test('a check with an error fails closed', async () => {
    const expectations = [{ type: 'sql', query: 'select * from nowhere' }];
    const name = await world.dataset({ expectations });
    await world.push(name, { 'a.csv': good });
    const check = await world.checked(`${name}@1`);
    expect(check).toMatchObject({ state: 'failed', failed: 1 });
    expect(check.results[0]).toMatchObject({ outcome: 'error', message: expect.stringContaining('nowhere') as string });
    expect((await world.version(`${name}@1`)).state).toBe('quarantined');
    expect(await codeOf(world.version(`${name}@latest`))).toBe('not_found');
  });

  test('expectations with severity warn do not block', async () => {
    const name = await world.dataset({ expectations: [{ type: 'rowCount', min: 1000, severity: 'warn' }] });
    const { state } = await world.push(name, { 'a.csv': good }).then(async () => await world.version(`${name}@1`));
    expect(state).toBe('ready');
    expect(await world.checked(`${name}@1`)).toMatchObject({ state: 'passed', gate: false, warned: 1 });
  });

  test('a user releases a version with a reason', async () => {
    const name = await world.dataset({ expectations: gates });
    await world.push(name, { 'b.csv': bad });
    await world.checked(`${name}@1`);
    const release = { name, version: '1', reason: 'The seven ages are being total up' };
    expect(await world.dais.call('datasetVersion.release', release)).toMatchObject({ number: 1, state: 'ready' });
    expect((await world.version(`${name}@latest`)).number).toBe(1);
    expect(await codeOf(world.dais.call('datasetVersion.release', release))).toBe('invalid_state');
    const events = async () => (await world.dais.call<{ items: Event[] }>('event.list', { name })).items;
    await expect.poll(async () => (await events()).some(({ type }) => type === 'dataset.version.released')).toBe(true);
    const shown = (await events()).find(({ type }) => type === 'dataset.version.released');
    expect(shown?.data).toMatchObject({ version: 1, reason: release.reason });
    expect((await world.report(`${name}@1`)).check).toMatchObject({ state: 'failed', gate: true });
  });

  test('compares drift and row count with the previous ready version', async () => {
    const expectations = [
      { type: 'rowCountChange', min: 0.5, max: 2 },
      { type: 'drift', columns: ['carrier'], metric: 'l_infinity', atMost: 0.2 },
      { type: 'rowCount', max: 150 },
    ];
    const name = await world.dataset({ expectations });
    await world.push(name, { 'a.csv': good });
    await world.push(name, { 'a.csv': csv(400, (i) => `${i},30,AA,x`) });
    expect(await world.checked(`${name}@2`)).toMatchObject({ state: 'failed', failed: 3 });
    await world.push(name, { 'a.csv': csv(101, (i) => `${i},40,${['AA', 'DL', 'UA'][i % 3]},y`) });
    const third = await world.checked(`${name}@3`);
    // Version 2 was never ready: 101 rows are compared with the 100 rows of version 1.
    expect(third).toMatchObject({ state: 'passed', passed: 3 });
  });

  test('references to another dataset', async () => {
    const carriers = await world.dataset();
    await world.push(carriers, { 'c.csv': 'code,name\nAA,American\nDL,Delta\n' });
    const name = await world.dataset({
      expectations: [{ type: 'reference', columns: ['carrier'], in: `${carriers}@latest`, to: ['code'] }],
    });
    await world.push(name, { 'a.csv': good });
    const { results } = await world.checked(`${name}@1`);
    expect(results[0]).toMatchObject({ findings: [{ anomaly: 'REFERENCE_MISSING', rows: 100, broken: 33 }] });
  });
});

describe('manual checks', () => {
  test('a check of other expectations does not change the state', async () => {
    const name = await world.dataset();
    await world.push(name, { 'b.csv': bad });
    expect(await codeOf(world.dais.call('qualityCheck.start', { name, version: '1' }))).toBe('invalid_state');
    await world.dais.call('qualityCheck.start', { name, version: '1', expectations: gates });
    expect(await world.checked(`${name}@1`)).toMatchObject({
      state: 'failed',
      gate: false,
      createdBy: { id: 'owner' },
    });
    expect((await world.version(`${name}@1`)).state).toBe('ready');
  });

  test('lists checks newest first, by page', async () => {
    const name = await world.dataset();
    await world.push(name, { 'a.csv': good });
    const made: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const { id } = await world.dais.call<{ id: string }>('qualityCheck.start', {
        name,
        version: '1',
        expectations: gates,
      });
      made.unshift(id);
    }
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page: { items: { id: string }[]; nextCursor?: string } = await world.dais.call('qualityCheck.list', {
        name,
        limit: 2,
        ...(cursor !== undefined && { cursor }),
      });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(made);
    await world.checked(`${name}@1`);
  });
});

describe('profiles and reports', () => {
  test('the report compares with the previous version', async () => {
    const name = await world.dataset({ expectations: gates, keys: ['id'] });
    await world.push(name, { 'a.csv': good });
    await world.profiled(`${name}@1`);
    await world.push(name, { 'b.csv': bad });
    await world.checked(`${name}@2`);
    await world.profiled(`${name}@2`);
    const report = await world.report(`${name}@2`);
    expect(report).toMatchObject({
      version: { number: 2, state: 'quarantined' },
      before: { number: 1 },
      check: { failed: 2 },
    });
    expect(report.shifts.slice(0, 2).map(({ column }) => column)).toEqual(['age', 'carrier']);
    expect(report.history.map(({ number, state }) => [number, state])).toEqual([
      [2, 'failed'],
      [1, 'passed'],
    ]);
    const page = await world.dais.call<{ size: number; open: () => Promise<AsyncIterable<Buffer>> }>(
      'qualityReport.page',
      { name, version: '2' },
    );
    const chunks: Buffer[] = [];
    for await (const chunk of await page.open()) chunks.push(chunk);
    const html = Buffer.concat(chunks).toString();
    expect(Buffer.byteLength(html)).toBe(page.size);
    expect(html).toContain(`Data quality of ${name}@2`);
    expect(html).not.toMatch(/(?:src|href|@import|url\()/);
  });

  test('profiles, results, reports and suggestions contain no masked values', async () => {
    const expectations = [
      { type: 'pattern', columns: ['mail'], pattern: '.+@nowhere\\.org' },
      { type: 'sql', query: 'select mail as m from data' },
      { type: 'balance', column: 'mail', severity: 'warn' },
    ];
    const name = await world.dataset({ expectations });
    world.hidden.set(name, ['mail']);
    await world.push(name, { 'a.csv': good });
    await world.checked(`${name}@1`);
    await world.profiled(`${name}@1`);
    const answers = [
      await world.checked(`${name}@1`),
      await world.profiled(`${name}@1`),
      await world.report(`${name}@1`),
      await world.dais.call('expectation.suggest', { name, version: '1' }),
    ];
    for (const answer of answers) expect(JSON.stringify(answer)).not.toContain('@example.com');
    world.hidden.delete(name);
    expect(JSON.stringify(await world.report(`${name}@1`))).toContain('@example.com');
  });

  test('deletes profiles and checks with their version', async () => {
    const name = await world.dataset({ expectations: gates });
    await world.push(name, { 'a.csv': good });
    await world.profiled(`${name}@1`);
    const { id } = await world.checked(`${name}@1`);
    await world.push(name, { 'a.csv': csv(90, (i) => `${i},33,AA,z`) });
    await world.checked(`${name}@2`);
    await world.profiled(`${name}@2`);
    await world.dais.call<DatasetVersion>('datasetVersion.delete', { name, version: '1', reason: 'requested' });
    expect(await codeOf(world.dais.call('qualityCheck.get', { name, check: id }))).toBe('not_found');
    const [row] = await world.db.database.transaction(
      { mode: 'read', scope: 'all' },
      async (sql) =>
        await sql.query<{ profiles: number }>(
          'select count(*)::int as profiles from quality.profile p join data.version v on v.id = p.version join data.dataset d on d.id = v.dataset where d.name = $1',
          [name],
        ),
    );
    expect(row?.profiles).toBe(1);
  });

  test('suggests a manifest that the version passes', async () => {
    const name = await world.dataset({ label: 'carrier' });
    await world.push(name, { 'a.csv': good });
    await world.profiled(`${name}@1`);
    const { items, manifest: text } = await world.dais.call<{ items: Suggestion[]; manifest: string }>(
      'expectation.suggest',
      { name, version: '1' },
    );
    const types = items.map(({ expectation }) => expectation['type']);
    expect(types).toEqual(
      expect.arrayContaining(['schema', 'completeness', 'range', 'domain', 'leakage', 'balance', 'classes', 'drift']),
    );
    const written = (parse(text) as { spec: { expectations: unknown[] } }).spec.expectations;
    expect(expectationsSchema.safeParse(written).error).toBeUndefined();
    await world.dais.call('qualityCheck.start', { name, version: '1', expectations: written });
    const { results } = await world.checked(`${name}@1`);
    // Carriers repeat with the row number, so the id does not predict them.
    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    const updated = manifest('Dataset', name, { label: 'carrier', expectations: written });
    expect(await world.dais.call('dataset.update', { name, manifest: updated })).toMatchObject({ metadata: { name } });
  });

  test('rejects an invalid expectation with its path', async () => {
    const spec = { expectations: [{ type: 'range', columns: ['age'], min: 3, max: 1 }] };
    expect(await codeOf(world.dais.call('dataset.create', { manifest: manifest('Dataset', 'wrong', spec) }))).toBe(
      'invalid_manifest',
    );
  });
});
