/** Representatives of the corpus of hostile ONNX models; hostile-onnx.full.test.ts serves all of them. */
import { expect, test } from 'vitest';
import { onnxBombs } from '#engines/inference/onnx/onnx-bombs.testing.ts';
import { serveBombs } from '../testing/bombs-world.ts';

const NAMES = [
  'ConstantOfShape by initializer',
  'Tile by input values',
  'Loop without end',
  'functions that multiply nodes',
];

test('hostile ONNX models fail alone with a reason, in their own memory; their neighbor keeps serving', async () => {
  const bombs = NAMES.map((name) => onnxBombs().find((bomb) => bomb.name === name)!);
  const report = await serveBombs(bombs, 5000);
  expect(report.failed).toEqual([]);
  expect(report.answered).toBeGreaterThan(50);
  // Nothing of them was computed in this process: neither its memory nor its thread was used. CPU time, because the time of
  // a request depends on what else the machine does; a batch may compute for 2 s.
  expect(report.grownBytes).toBeLessThan(200 * 2 ** 20);
  expect(report.mostCpuMs).toBeLessThan(1000);
  const byName = Object.fromEntries(report.bombs.map((bomb) => [bomb.name, bomb]));
  expect(byName['Loop without end']).toMatchObject({
    state: 'quarantined',
    reason: expect.stringMatching(/twice in a row.*time limit of 2 s/) as string,
    statuses: [503, 503],
  });
  expect(byName['functions that multiply nodes']).toMatchObject({
    state: 'quarantined',
    reason: expect.stringMatching(/did not load within its time limit of 5 s/) as string,
  });
  for (const name of ['ConstantOfShape by initializer', 'Tile by input values']) {
    expect(byName[name]?.statuses.every((status) => status >= 400)).toBe(true);
    expect(byName[name]?.answers.join('\n')).toMatch(/memory|alloc/);
  }
});
