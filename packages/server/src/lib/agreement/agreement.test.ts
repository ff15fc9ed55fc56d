import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cohenKappa } from './cohen-kappa.ts';
import { fleissKappa } from './fleiss-kappa.ts';
import { krippendorffAlpha, nominalAlpha, type MeasurementLevel } from './krippendorff-alpha.ts';

const repeat = <Value>(times: number, value: Value): Value[] => Array.from({ length: times }, () => value);

/** The example of Krippendorff's paper: three coders, fifteen units, by unit. */
const UNITS = [
  [1],
  [],
  [2, 2],
  [1, 1],
  [3, 3],
  [3, 3, 4],
  [4, 4, 4],
  [1, 3],
  [2, 2],
  [1, 1],
  [1, 1],
  [3, 3],
  [3, 3],
  [],
  [3, 4],
];

/** The table of Fleiss's paper: ten units, fourteen raters, five labels. */
const TABLE = [
  [0, 0, 0, 0, 14],
  [0, 2, 6, 4, 2],
  [0, 0, 3, 5, 6],
  [0, 3, 9, 2, 0],
  [2, 2, 8, 1, 1],
  [7, 7, 0, 0, 0],
  [3, 2, 6, 3, 0],
  [2, 5, 3, 2, 2],
  [6, 5, 2, 1, 0],
  [0, 2, 2, 3, 7],
];

describe('published examples', () => {
  test('two raters with yes and no', () => {
    const first = [...repeat(25, 'yes'), ...repeat(25, 'no')];
    const second = [...repeat(20, 'yes'), ...repeat(5, 'no'), ...repeat(10, 'yes'), ...repeat(15, 'no')];
    expect(cohenKappa(first, second)).toBeCloseTo(0.4, 12);
  });

  test('fourteen raters', () => {
    expect(fleissKappa(TABLE)).toBeCloseTo(0.20993070442195522, 12);
  });

  test.each<[MeasurementLevel, number]>([
    ['nominal', 0.691358024691358],
    ['ordinal', 0.8067214199413152],
    ['interval', 0.8108448928121059],
  ])('three coders, %s', (level, alpha) => {
    expect(krippendorffAlpha(UNITS, level)).toBeCloseTo(alpha, 12);
  });
});

/** α as the paper defines it: coincidences of values, and a distance for each pair of values. */
function plainAlpha(units: readonly (readonly number[])[], level: MeasurementLevel): number | undefined {
  const paired = units.filter((values) => values.length > 1);
  const values = [...new Set(paired.flat())].toSorted((a, b) => a - b);
  const together = new Map<string, number>();
  for (const unit of paired)
    for (const [i, a] of unit.entries())
      for (const [j, b] of unit.entries()) {
        if (i !== j) together.set(`${a} ${b}`, (together.get(`${a} ${b}`) ?? 0) + 1 / (unit.length - 1));
      }
  const o = (a: number, b: number) => together.get(`${a} ${b}`) ?? 0;
  const n = (a: number) => values.reduce((total, b) => total + o(a, b), 0);
  const distance = (a: number, b: number) => {
    if (a === b) return 0;
    if (level === 'nominal') return 1;
    if (level === 'interval') return (a - b) ** 2;
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    const between = values.filter((g) => g >= low && g <= high).reduce((total, g) => total + n(g), 0);
    return (between - (n(low) + n(high)) / 2) ** 2;
  };
  let observed = 0;
  let expected = 0;
  for (const a of values)
    for (const b of values) {
      observed += o(a, b) * distance(a, b);
      expected += n(a) * n(b) * distance(a, b);
    }
  const total = paired.flat().length;
  return expected === 0 ? undefined : 1 - ((total - 1) * observed) / expected;
}

const label = fc.integer({ min: -3, max: 3 });
const units = fc.array(fc.array(label, { maxLength: 6 }), { maxLength: 12 });
const close = (actual: number | undefined, expected: number | undefined): void => {
  if (expected === undefined) expect(actual).toBeUndefined();
  else expect(actual).toBeCloseTo(expected, 9);
};

describe('against the plain definitions', () => {
  test.each<MeasurementLevel>(['nominal', 'ordinal', 'interval'])('Krippendorff, %s', (level) => {
    fc.assert(
      fc.property(units, (some) => {
        close(krippendorffAlpha(some, level), plainAlpha(some, level));
      }),
    );
  });

  test('Cohen, from a table of both raters', () => {
    const pairs = fc.array(fc.tuple(fc.option(label, { nil: undefined }), fc.option(label, { nil: undefined })));
    fc.assert(
      fc.property(pairs, (some) => {
        const both = some.filter(([a, b]) => a !== undefined && b !== undefined);
        const share = (test: (pair: (typeof both)[number]) => boolean) => both.filter(test).length / both.length;
        const po = share(([a, b]) => a === b);
        const pe = [-3, -2, -1, 0, 1, 2, 3].reduce(
          (total, c) => total + share(([a]) => a === c) * share(([, b]) => b === c),
          0,
        );
        const kappa = both.length === 0 || pe > 1 - 1e-12 ? undefined : (po - pe) / (1 - pe);
        close(
          cohenKappa(
            some.map(([a]) => a),
            some.map(([, b]) => b),
          ),
          kappa,
        );
      }),
    );
  });

  test('Fleiss, as the mean over pairs of raters', () => {
    const ratings = fc
      .integer({ min: 2, max: 5 })
      .chain((raters) =>
        fc.array(fc.array(fc.nat({ max: 3 }), { minLength: raters, maxLength: raters }), { minLength: 1 }),
      );
    fc.assert(
      fc.property(ratings, (some) => {
        const pairs = some.flatMap((unit) =>
          unit.flatMap((a, i) => unit.flatMap((b, j) => (i === j ? [] : [a === b ? 1 : 0]))),
        );
        const po = pairs.reduce<number>((total, one) => total + one, 0) / pairs.length;
        const all = some.flat();
        const pe = [0, 1, 2, 3].reduce((total, c) => total + (all.filter((x) => x === c).length / all.length) ** 2, 0);
        const counts = some.map((unit) => [0, 1, 2, 3].map((c) => unit.filter((x) => x === c).length));
        close(fleissKappa(counts), pe > 1 - 1e-12 ? undefined : (po - pe) / (1 - pe));
      }),
    );
  });
});

describe('what must hold', () => {
  test('α is independent of the order of units, raters and labels, and of shift and scale of an interval', () => {
    fc.assert(
      fc.property(units, fc.integer({ min: 1, max: 9 }), fc.integer({ min: -1e6, max: 1e6 }), (some, scale, shift) => {
        const turned = some.map((unit) => unit.toReversed()).toReversed();
        for (const level of ['nominal', 'ordinal', 'interval'] as const)
          close(krippendorffAlpha(turned, level), krippendorffAlpha(some, level));
        const moved = some.map((unit) => unit.map((value) => value * scale + shift));
        close(krippendorffAlpha(moved, 'interval'), krippendorffAlpha(some, 'interval'));
        close(krippendorffAlpha(moved, 'ordinal'), krippendorffAlpha(some, 'ordinal'));
        close(
          nominalAlpha(some.map((unit) => unit.map((value) => `label ${value}`))),
          krippendorffAlpha(some, 'nominal'),
        );
      }),
    );
  });

  test('all agree: 1. One label for all items, or no pairs: no number', () => {
    expect(
      krippendorffAlpha(
        [
          [1, 1],
          [2, 2, 2],
        ],
        'ordinal',
      ),
    ).toBe(1);
    expect(cohenKappa(['a', 'b'], ['a', 'b'])).toBe(1);
    expect(
      fleissKappa([
        [2, 0],
        [0, 2],
      ]),
    ).toBe(1);
    for (const nothing of [
      [],
      [[1]],
      [
        [1, 1],
        [1, 1],
      ],
    ]) {
      expect(krippendorffAlpha(nothing, 'interval')).toBeUndefined();
    }
    expect(cohenKappa(['a', 'a'], ['a', 'a'])).toBeUndefined();
    expect(cohenKappa([undefined], ['a'])).toBeUndefined();
    expect(
      fleissKappa([
        [2, 0],
        [1, 0],
      ]),
    ).toBeUndefined();
    expect(fleissKappa([])).toBeUndefined();
  });
});
