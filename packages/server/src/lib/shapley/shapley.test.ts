import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactShapley, sampledShapley } from './coalitions.ts';
import { treeShapley, treeSum, type Tree, type TreeEnsemble } from './tree-ensemble.ts';

const FEATURES = 6;

/** A full tree of depth 3 over random features; NaN follows a random branch. */
const tree = fc
  .tuple(
    fc.array(fc.tuple(fc.nat(FEATURES - 1), fc.integer({ min: -3, max: 3 }), fc.nat(5), fc.boolean()), {
      minLength: 7,
      maxLength: 7,
    }),
    fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 16, maxLength: 16 }),
  )
  .map(([splits, leaves]): Tree => {
    const feature = Int32Array.from({ length: 15 }, (_, node) => splits[node]?.[0] ?? -1);
    return {
      feature,
      threshold: Float32Array.from({ length: 15 }, (_, node) => splits[node]?.[1] ?? 0),
      mode: Uint8Array.from({ length: 15 }, (_, node) => splits[node]?.[2] ?? 0),
      yes: Int32Array.from({ length: 15 }, (_, node) => 2 * node + 1),
      no: Int32Array.from({ length: 15 }, (_, node) => 2 * node + 2),
      missing: Int32Array.from({ length: 15 }, (_, node) => 2 * node + (splits[node]?.[3] === true ? 1 : 2)),
      values: Float64Array.from({ length: 30 }, (_, at) => leaves[at % 16] ?? 0),
    };
  });
const ensemble = fc
  .array(tree, { minLength: 1, maxLength: 4 })
  .map((trees): TreeEnsemble => ({ features: FEATURES, outputs: 2, base: Float64Array.of(0.5, -1), trees }));
const row = fc.array(fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constant(Number.NaN)), {
  minLength: FEATURES,
  maxLength: FEATURES,
});
const background = fc.array(row, { minLength: 1, maxLength: 3 });

/** The model, evaluated for coalitions of a row and background rows. */
const request =
  (of: TreeEnsemble, x: readonly number[], rows: readonly (readonly number[])[], output: number) =>
  async (coalitions: Uint8Array, count: number) =>
    await Promise.resolve(
      Array.from({ length: count }, (_, set) => {
        const sums = rows.map((other) =>
          treeSum(
            of,
            x.map((value, at) => (coalitions[set * x.length + at] === 1 ? value : other[at]!)),
            output,
          ),
        );
        return sums.reduce((sum, value) => sum + value, 0) / rows.length;
      }),
    );

test('values of trees match the definition', async () => {
  await fc.assert(
    fc.asyncProperty(ensemble, row, background, fc.nat(1), async (of, x, rows, output) => {
      const exact = await exactShapley(FEATURES, request(of, x, rows, output));
      const fast = treeShapley(of, x, rows, output);
      for (const [feature, value] of exact.attributions.entries()) expect(fast[feature]).toBeCloseTo(value, 9);
      const sum = fast.reduce((total, value) => total + value, 0);
      expect(sum + exact.baseline).toBeCloseTo(treeSum(of, x, output), 9);
      expect(exact.instance).toBeCloseTo(treeSum(of, x, output), 9);
    }),
  );
});

test('by random orders they add up exactly, come near, and are the same for the same seed', async () => {
  await fc.assert(
    fc.asyncProperty(ensemble, row, background, fc.nat(), async (of, x, rows, seed) => {
      const evaluate = request(of, x, rows, 0);
      const once = await sampledShapley(FEATURES, { pairs: 10, seed }, evaluate);
      const sum = once.attributions.reduce((total, value) => total + value, 0);
      expect(sum).toBeCloseTo(once.instance - once.baseline, 9);
      expect(await sampledShapley(FEATURES, { pairs: 10, seed }, evaluate)).toEqual(once);
      const exact = treeShapley(of, x, rows, 0);
      // Sixty orders of 720: within a few standard errors.
      const far = Math.sqrt(once.attributions.reduce((total, value, at) => total + (value - exact[at]!) ** 2, 0));
      const length = Math.sqrt(exact.reduce((total, value) => total + value ** 2, 0));
      expect(far).toBeLessThanOrEqual(8 * once.error * length + 1e-9 + 0.5 * length);
    }),
  );
});

test('of a linear model they are its weights times the distance from the baseline, one pair is enough', async () => {
  const weights = [2, -1, 0.5, 0];
  const [x, base] = [
    [1, 2, 3, 4],
    [0, 1, 5, 9],
  ];
  const evaluate = async (coalitions: Uint8Array, count: number) =>
    await Promise.resolve(
      Array.from({ length: count }, (_, set) =>
        weights.reduce((sum, weight, at) => sum + weight * (coalitions[set * 4 + at] === 1 ? x[at]! : base[at]!), 0),
      ),
    );
  const { attributions, error } = await sampledShapley(4, { pairs: 2, seed: 7 }, evaluate);
  expect([...attributions]).toEqual([2, -1, -1, 0]);
  expect(error).toBe(0);
});
