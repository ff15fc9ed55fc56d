/** The whole corpus of hostile ONNX models, a few at a time. */
import { expect, test } from 'vitest';
import { onnxBombs } from '#engines/inference/onnx/onnx-bombs.testing.ts';
import { serveBombs } from '../testing/bombs-world.ts';

const AT_ONCE = 6;
const bombs = onnxBombs();
const groups = Array.from({ length: Math.ceil(bombs.length / AT_ONCE) }, (_, at) =>
  bombs.slice(at * AT_ONCE, (at + 1) * AT_ONCE),
);

test.each(groups.map((group) => ({ names: group.map(({ name }) => name).join(', '), group })))(
  'their neighbor keeps serving: $names',
  { timeout: 300_000 },
  async ({ group }) => {
    const report = await serveBombs(group);
    expect(report.failed).toEqual([]);
    expect(report.answered).toBeGreaterThan(10);
    expect(report.grownBytes).toBeLessThan(300 * 2 ** 20);
    for (const { name, state, reason, statuses, answers } of report.bombs) {
      const isStopped = state === 'failed' || state === 'quarantined';
      expect([name, isStopped, reason]).toEqual([name, isStopped, expect.stringMatching(isStopped ? /\w{3}/ : /^$/)]);
      // A request with a response was rejected by the runtime, or is harmless.
      for (const [at, status] of statuses.entries()) {
        expect([name, status, answers[at]]).toEqual([name, expect.toSatisfy(isAnswer), expect.stringMatching(/\w{3}/)]);
      }
    }
  },
);

function isAnswer(status: number): boolean {
  return [200, 400, 413, 503, 504].includes(status);
}
