import { expect, test } from 'vitest';
import {
  FEATURES,
  moved,
  openAttributionWorld,
  reasonOf,
  resultOf,
  ROWS,
  sizesOf,
  START_MS,
  usual,
} from './attribution-world.testing.ts';

test(
  'gives the reason of a failed explanation, and compares with the first window, earlier windows or a dataset',
  { timeout: START_MS },
  async () => {
    const { client, data, ask, watch, evaluated } = await openAttributionWorld();
    for (const rows of [usual(ROWS, 3), moved, usual(ROWS, 3)]) await ask('weighed', rows);
    await ask('bare', usual(ROWS));
    // Without an example, only a baseline with rows can be the background.
    await watch('blind', 'bare', { baseline: { type: 'first' } });
    const blind = await evaluated('blind', 1);
    expect(blind.status).toBe('unknown');
    expect(reasonOf(blind)).toContain('bare/1 cannot be explained: it has no input example');

    const version = await data.push('points', `a,b,c\n${usual(ROWS).join('\n')}\n`);
    const named = `points@${version}`;
    await watch('seeing', 'bare', { baseline: { type: 'dataset', version: named } });
    const seeing = await evaluated('seeing', 1);
    expect(seeing).toMatchObject({ status: 'passing' });
    expect(seeing.attributions).toMatchObject([
      { background: { of: 'baseline', rows: 20 }, baseline: { name: named, rows: ROWS } },
    ]);
    // The same rows, compared with the same background.
    expect(resultOf(seeing, 'total_variation')?.value).toBeCloseTo(0, 9);

    // Columns of the model are missing.
    await data.push('others', 'p,q\n1,2\n3,4\n');
    await watch('strange', 'bare', { baseline: { type: 'dataset', version: 'others@1' } });
    const strange = await evaluated('strange', 1);
    expect(strange.status).toBe('unknown');
    expect(reasonOf(strange)).toContain('bare/1 cannot be explained');

    await watch('few', 'weighed', { minSamples: ROWS + 1 });
    expect(reasonOf(await evaluated('few', 1))).toBe(`The window has ${ROWS} rows, fewer than ${ROWS + 1}.`);

    // The windows: normal, drifted, normal.
    await watch('since-first', 'weighed', { baseline: { type: 'first' } });
    const last = await evaluated('since-first', 3);
    const [one, two] = [await evaluated('since-first', 1), await evaluated('since-first', 2)];
    expect([one.status, two.status, last.status]).toEqual(['unknown', 'failing', 'passing']);
    expect(reasonOf(one)).toContain('are the baseline of later windows');
    expect(one.attributions?.[0]?.columns).toHaveLength(3);
    expect(two.attributions?.[0]?.baseline).toEqual({ name: 'window 1', rows: ROWS });

    await watch('before', 'weighed', { baseline: { type: 'rolling', windows: 2 } });
    const third = await evaluated('before', 3);
    expect(third.attributions?.[0]?.baseline).toEqual({ name: 'windows 1 to 2', rows: 2 * ROWS });
    const both = sizesOf([...usual(ROWS, 3), ...moved]);
    for (const [at, feature] of FEATURES.entries()) {
      const column = third.attributions?.[0]?.columns.find((found) => found.column === feature);
      expect(column?.baseline).toBeCloseTo(both[at] ?? 0, 4);
    }
    expect(reasonOf(await evaluated('before', 1))).toContain('No earlier window has attributions');

    const refused = await client.call('POST', '/api/v1/monitors', {
      apiVersion: 'dais.dev/v1',
      kind: 'Monitor',
      metadata: { name: 'wrong' },
      spec: { dataset: 'points', checks: [{ type: 'attributionDrift' }] },
    });
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toContain('a dataset has no predictions');
  },
);
