/** Random data for comparisons with other implementations: the same in each run. */
import { quantileEdges } from './bins.ts';
import { seededRandom } from './random.ts';
import { normalQuantile } from './special-functions.ts';

const random = seededRandom(20_261_127);
const uniform = (count: number) => Array.from({ length: count }, () => random());
const normals = (count: number, mean = 0, deviation = 1) =>
  uniform(count).map((share) => mean + deviation * normalQuantile(Math.min(1 - 1e-12, Math.max(1e-12, share))));
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const pick = <T>(values: readonly T[], count: number) =>
  uniform(count).map((share) => values[Math.floor(share * values.length)] as T);

/** Of numbers: continuous, tied, constant, of few values, with empty bins, with far outliers, tiny, moved beyond each other. */
export const numbers = [
  ['normal', normals(400), normals(300, 0.2)],
  ['normal, large', normals(3000), normals(2500, 0.05, 1.1)],
  ['ties', normals(500).map((x) => Math.round(x * 2)), normals(400, 0.3).map((x) => Math.round(x * 2))],
  ['few values', pick([1, 2, 3], 200), pick([1, 2, 3, 3], 150)],
  ['two values', pick([0, 1], 300), pick([0, 1, 1], 200)],
  ['few values, large', pick([1, 2, 3, 4], 1500), pick([1, 2, 2, 4], 1400)],
  ['constants', Array.from({ length: 50 }, () => 3), Array.from({ length: 40 }, () => 3)],
  ['constants apart', Array.from({ length: 50 }, () => 3), Array.from({ length: 40 }, () => 8)],
  ['constant, then not', Array.from({ length: 60 }, () => 1), normals(60, 1)],
  ['empty bins', [...normals(200, -50), ...normals(200, 50)], normals(300)],
  ['apart', uniform(100), uniform(90).map((x) => x + 10)],
  ['heavy tail', normals(1500).map((x) => Math.exp(3 * x)), normals(1200).map((x) => Math.exp(3 * x))],
  ['one against two', [0.5], [0.1, 0.9]],
  ['three against four', uniform(3), uniform(4)],
  [
    'whole',
    pick(
      Array.from({ length: 40 }, (_, i) => i),
      1200,
    ),
    pick(
      Array.from({ length: 44 }, (_, i) => i),
      1300,
    ),
  ],
].map(([name, reference, current]) => {
  const [r, c] = [ascending(reference as number[]), ascending(current as number[])];
  return {
    name: name as string,
    reference: r,
    current: c,
    edges: quantileEdges(r, 20),
    method: r.length * c.length <= 4e6 ? 'exact' : 'asymp',
  };
});

const words = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).flatMap(([word, count]) => Array.from({ length: count }, () => word));

/** Categorical: shifted, new, removed, disjoint, rare, two, very many. */
export const categories = [
  ['moved', { a: 500, b: 300, c: 200 }, { a: 450, b: 330, c: 220 }],
  ['new', { a: 500, b: 300, c: 200 }, { a: 400, b: 300, c: 250, d: 50 }],
  ['several new', { a: 50, b: 30 }, { a: 40, c: 30, d: 5, e: 1 }],
  ['gone', { a: 700, b: 500, c: 90 }, { a: 300, b: 200 }],
  ['two', { no: 700, yes: 300 }, { no: 655, yes: 345 }],
  ['two, large', { no: 7000, yes: 3000 }, { no: 655, yes: 345 }],
  ['tiny', { a: 2, b: 1, c: 1 }, { a: 1, b: 2 }],
  [
    'many',
    ...[0, 1].map(() =>
      Object.fromEntries(uniform(300).map((share, i) => [`w${i}`, 1 + (Math.floor(9 / share) % 60)])),
    ),
  ],
].map(([name, reference, current]) => {
  const both = [reference, current] as readonly Readonly<Record<string, number>>[];
  const keys = [...new Set(both.flatMap((counts) => Object.keys(counts)))];
  const counts = both.map((of) => keys.map((key) => of[key] ?? 0));
  return {
    name: name as string,
    reference: counts[0] ?? [],
    current: counts[1] ?? [],
    words: both.map((of) => words(of)),
  };
});

export const binary = [
  ['continuous', uniform(800)],
  ['ties', pick([0, 0.25, 0.5, 0.75, 1], 300)],
  ['tiny', [0.2, 0.7, 0.6]],
  ['certain', pick([0.001, 0.999], 60)],
].map(([name, scores]) => {
  const reported = scores as number[];
  const actual = reported.map((score) => (random() < score * score ? 1 : 0));
  return {
    name: name as string,
    scores: reported,
    actual,
    predicted: reported.map((score) => (score >= 0.5 ? 1 : 0)),
    at: [0, ...uniform(50), 1],
  };
});
binary.push(
  { name: 'no positives', scores: [0.1, 0.4, 0.3], actual: [0, 0, 0], predicted: [0, 0, 0], at: [0.2] },
  { name: 'only positives', scores: [0.9, 0.4, 0.6], actual: [1, 1, 1], predicted: [1, 0, 1], at: [0.2] },
);

export const classes = [
  ['three', ['a', 'b', 'c'], ['a', 'b', 'c'], 400],
  ['one is never predicted', ['a', 'b', 'c'], ['a', 'b'], 100],
  ['one is never true', ['a', 'b'], ['a', 'b', 'c'], 100],
  ['one', ['a'], ['a'], 10],
].map(([name, actual, predicted, count]) => ({
  name: name as string,
  actual: pick(actual as string[], count as number),
  predicted: pick(predicted as string[], count as number),
}));

export const regression = [
  ['normal', normals(500, 10, 3)],
  ['with zeros', normals(200).map((x) => Math.round(x))],
  ['constant', Array.from({ length: 20 }, () => 4)],
  ['tiny', [1, 2]],
].map(([name, actual]) => {
  const reported = actual as number[];
  return { name: name as string, actual: reported, predicted: reported.map((value) => value + random() - 0.4) };
});

export const fairness = [2, 3, 7].map((count) => {
  const groups = pick(
    Array.from({ length: count }, (_, i) => `g${i}`),
    900,
  );
  const actual = groups.map((_, i) => (random() < 0.3 + (i % count) / 20 ? 1 : 0));
  const predicted = actual.map((value, i) => (random() < 0.6 + Number(groups[i]?.at(1)) / 30 ? value : 1 - value));
  return { name: `${count} groups`, groups, actual, predicted };
});

export const tails = [
  {
    name: 'tails',
    chiSquare: [1, 2, 5, 50, 999].flatMap((k) => [0.01, 0.5, 1, 2, 10].map((times) => [k * times, k] as const)),
    normal: [-30, -8, -3, -1, 0, 0.5, 2, 9],
    normalQuantile: [1e-300, 1e-12, 0.01, 0.3, 0.5, 0.9, 0.999999],
    kolmogorov: [0.1, 0.3, 0.5, 0.8, 1, 1.36, 2, 4],
    wilson: [0, 1, 5, 30, 99, 100].map((k) => [k, 100] as const),
    pValues: uniform(40).map((share) => share * share),
  },
];

/** Sizes of attributions: of two columns and of many, with ties, with columns that count nothing, turned round. */
export const attributions = [
  ['two columns', uniform(2), uniform(2)],
  ['twelve', uniform(12), uniform(12)],
  ['ties', pick([1, 2, 3], 9), pick([1, 2, 3], 9)],
  ['some count nothing', pick([0, 0, 1, 4], 10).concat(1), pick([0, 0, 1, 4], 10).concat(2)],
  ['turned round', [0.7, 0.5, 0.05], [0.05, 0.5, 0.7]],
  ['all the same now', uniform(6), Array.from({ length: 6 }, () => 0.5)],
].map(([name, baseline, current]) => ({
  name: name as string,
  baseline: baseline as number[],
  current: current as number[],
}));

export const cases = { numbers, categories, binary, classes, regression, fairness, attributions, tails };
