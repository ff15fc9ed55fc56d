import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { rankingGain } from './attribution-drift.ts';
import { countInBins, quantileEdges, sturgesParts, widthEdges, withoutGaps } from './bins.ts';
import { estimatedMetrics, estimatedRocAuc, expectedCounts } from './cbpe.ts';
import { chiSquareTest } from './chi-square.ts';
import { binaryMetrics, classMetrics, confusionOf, countsOfClass } from './classification.ts';
import { summarizeCategories, summarizeNumbers } from './column-summary.ts';
import * as distances from './distances.ts';
import { chooseMethod } from './drift.ts';
import type { Estimate } from './estimate.ts';
import { fairnessOf } from './fairness.ts';
import { calibrated, isotonicCalibration } from './isotonic.ts';
import { kolmogorovSmirnovP, kolmogorovSmirnovTest } from './kolmogorov-smirnov.ts';
import { adjustPValues } from './multiple-testing.ts';
import { wilsonInterval } from './proportion.ts';
import { seededRandom } from './random.ts';
import { regressionMetrics, summarizeErrors } from './regression.ts';
import { scoreMetrics, summarizeScores } from './scores.ts';
import { chiSquareTail, deviationsOf, kolmogorovTail, normalCumulative, normalQuantile } from './special-functions.ts';
import { normedBy, wassersteinDistance, wassersteinOfBins } from './wasserstein.ts';

/** A figure of a peer; null: it has none. */
type Figure = number | null;
type Told = Readonly<Record<string, unknown>>;

const peer = fileURLToPath(new URL('../../../../../conformance/monitoring', import.meta.url));
const random = seededRandom(20_261_127);
const uniform = (count: number) => Array.from({ length: count }, () => random());
const normals = (count: number, mean = 0, deviation = 1) =>
  uniform(count).map((share) => mean + deviation * normalQuantile(Math.min(1 - 1e-12, Math.max(1e-12, share))));
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const pick = <T>(values: readonly T[], count: number) =>
  uniform(count).map((share) => values[Math.floor(share * values.length)] as T);

/** Of numbers: continuous, tied, constant, of few values, with empty bins, with far outliers, tiny, moved beyond each other. */
const numbers = [
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

/** Of categories: moved, new, gone, none in common, rare, two, very many. */
const categories = [
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

const binary = [
  ['continuous', uniform(800)],
  ['ties', pick([0, 0.25, 0.5, 0.75, 1], 300)],
  ['tiny', [0.2, 0.7, 0.6]],
  ['certain', pick([0.001, 0.999], 60)],
].map(([name, scores]) => {
  const told = scores as number[];
  const actual = told.map((score) => (random() < score * score ? 1 : 0));
  return {
    name: name as string,
    scores: told,
    actual,
    predicted: told.map((score) => (score >= 0.5 ? 1 : 0)),
    at: [0, ...uniform(50), 1],
  };
});
binary.push(
  { name: 'no positives', scores: [0.1, 0.4, 0.3], actual: [0, 0, 0], predicted: [0, 0, 0], at: [0.2] },
  { name: 'only positives', scores: [0.9, 0.4, 0.6], actual: [1, 1, 1], predicted: [1, 0, 1], at: [0.2] },
);

const classes = [
  ['three', ['a', 'b', 'c'], ['a', 'b', 'c'], 400],
  ['one is never predicted', ['a', 'b', 'c'], ['a', 'b'], 100],
  ['one is never true', ['a', 'b'], ['a', 'b', 'c'], 100],
  ['one', ['a'], ['a'], 10],
].map(([name, actual, predicted, count]) => ({
  name: name as string,
  actual: pick(actual as string[], count as number),
  predicted: pick(predicted as string[], count as number),
}));

const regression = [
  ['normal', normals(500, 10, 3)],
  ['with zeros', normals(200).map((x) => Math.round(x))],
  ['constant', Array.from({ length: 20 }, () => 4)],
  ['tiny', [1, 2]],
].map(([name, actual]) => {
  const told = actual as number[];
  return { name: name as string, actual: told, predicted: told.map((value) => value + random() - 0.4) };
});

const fairness = [2, 3, 7].map((count) => {
  const groups = pick(
    Array.from({ length: count }, (_, i) => `g${i}`),
    900,
  );
  const actual = groups.map((_, i) => (random() < 0.3 + (i % count) / 20 ? 1 : 0));
  const predicted = actual.map((value, i) => (random() < 0.6 + Number(groups[i]?.at(1)) / 30 ? value : 1 - value));
  return { name: `${count} groups`, groups, actual, predicted };
});

const tails = [
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
const attributions = [
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

const cases = { numbers, categories, binary, classes, regression, fairness, attributions, tails };
type Answers = Readonly<Record<keyof typeof cases, readonly Told[]>>;

let folder: string;
let beside: Beside;
const answers: { libraries?: Answers; evidently?: Answers; nannyml?: Answers } = {};

async function ask(name: string, requirements: string, script: string): Promise<Answers> {
  const environment = await pythonEnvironment(name, join(peer, requirements));
  const { code, stdout, stderr } = await run(join(environment, 'bin', 'python'), [join(peer, script)], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', DO_NOT_TRACK: '1', MPLCONFIGDIR: folder },
    input: JSON.stringify(cases),
    timeoutMs: 600_000,
    maxOutputBytes: 32 << 20,
  });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout.toString('utf8').trim().split('\n').at(-1) ?? '') as Answers;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-monitoring-'));
  answers.libraries = await ask('monitoring', 'requirements.txt', 'library_values.py');
  answers.evidently = await ask('monitoring-evidently', 'requirements-evidently.txt', 'evidently_drift.py');
  answers.nannyml = await ask('monitoring-nannyml', 'requirements-nannyml.txt', 'nannyml_estimates.py');
}, 1_800_000);
beforeEach(() => {
  beside = new Beside();
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

function of(from: keyof typeof answers, kind: keyof typeof cases, at: number): Readonly<Record<string, Figure>> {
  const told = answers[from]?.[kind][at];
  if (told === undefined) throw new Error(`${from} told nothing of ${kind} ${at}`);
  return told as Readonly<Record<string, Figure>>;
}

/** Where ours and the peer's are apart, in words: a test that ends with none has found none. */
class Beside {
  readonly apart: string[] = [];

  /** Within `relative` of the peer's figure, or 1e-12 of zero; where it has none, we have none. */
  near(ours: number | undefined, theirs: Figure | undefined, relative: number, what: string): void {
    const close =
      theirs === null || theirs === undefined
        ? ours === undefined
        : Math.abs((ours ?? Number.NaN) - theirs) <= 1e-12 + relative * Math.abs(theirs);
    if (!close) this.apart.push(`${what}: ${ours}, the peer has ${theirs}`);
  }

  /** Within `most`, whatever the size. */
  within(ours: number | undefined, theirs: Figure | undefined, most: number, what: string): void {
    const close = Math.abs((ours ?? Number.NaN) - (theirs ?? Number.NaN)) <= most;
    if (!close) this.apart.push(`${what}: ${ours}, the peer has ${theirs}`);
  }
}

const COUNTED = {
  js_distance_ln: distances.jsDistanceLn,
  js_distance_log2: distances.jsDistanceLog2,
  jsd_log2: distances.jsdLog2,
  hellinger: distances.hellinger,
  l_infinity: distances.lInfinity,
  total_variation: distances.totalVariation,
} as const;

function counted(reference: readonly number[], current: readonly number[], theirs: Readonly<Record<string, Figure>>) {
  for (const [name, distance] of Object.entries(COUNTED)) {
    // Roots of what rounding leaves of zero differ by its root.
    beside.within(distance(reference, current), theirs[name], 1e-7, name);
    if ((theirs[name] ?? 0) > 1e-3) beside.near(distance(reference, current), theirs[name], 1e-9, name);
  }
  const { statistic, pValue } = chiSquareTest(reference, current);
  beside.near(statistic, theirs['chi_square'], 1e-9, 'chi-square');
  beside.near(pValue, theirs['chi_square_p'], 1e-8, 'p of chi-square');
}

const each = <T extends { readonly name: string }>(list: readonly T[]) =>
  list.map((one, at) => [one.name, at, one] as const);

describe.each(each(numbers))('numbers: %s', (_name, at, { reference, current, edges, method }) => {
  test('SciPy: KS, Wasserstein, moments, and distances of bins', () => {
    const theirs = of('libraries', 'numbers', at);
    const summary = summarizeNumbers(current, edges);
    const bins = [countInBins(reference, edges).counts, summary.bins.counts];
    expect(bins).toEqual(theirs['counts']);
    counted(bins[0] ?? [], bins[1] ?? [], theirs);
    const ks = kolmogorovSmirnovTest(reference, current);
    beside.near(ks.statistic, theirs['ks'], 1e-12, 'D');
    expect(ks.method).toBe(method === 'exact' ? 'exact' : 'asymptotic');
    // The exact one to rounding; Kolmogorov's limit beside scipy's distribution of one sample of the same weight.
    if ((theirs['ks_p'] ?? 0) > 1e-280)
      beside.near(ks.pValue, theirs['ks_p'], ks.method === 'exact' ? 1e-7 : 0.03, 'p of KS');
    const distance = wassersteinDistance(reference, current);
    beside.near(distance, theirs['wasserstein'], 1e-9, 'Wasserstein');
    beside.near(normedBy(distance, summarizeNumbers(reference, edges)), theirs['wasserstein_normed'], 1e-9, 'normed');
    beside.near(summary.mean, theirs['mean'], 1e-9, 'mean');
    expect(Math.abs(summary.squares - (theirs['squares'] ?? 0))).toBeLessThanOrEqual(1e-9 * (1 + summary.squares));
    expect(beside.apart).toEqual([]);
  });

  test('from bins of hundredths, Wasserstein is within 2 % of a deviation, or 5 % of what it is', () => {
    const exact = of('libraries', 'numbers', at)['wasserstein_normed'] ?? 0;
    const lattice = reference.every((value) => Number.isInteger(value)) ? 'whole' : 'spread';
    const fine = withoutGaps(quantileEdges(reference, 100));
    const [r, c] = [summarizeNumbers(reference, fine, lattice), summarizeNumbers(current, fine, lattice)];
    const told = normedBy(wassersteinOfBins(r, c), r);
    // A constant has one edge: of what leaves it, bins tell how far its mean is, not how it lies.
    const most = new Set(reference).size === 1 ? 0.25 * exact : 0.02 + 0.05 * exact;
    // Of a handful of values bins cannot tell where they lie; there the values themselves are kept.
    if (reference.length >= 40) beside.within(told, exact, most, 'Wasserstein');
    expect(beside.apart).toEqual([]);
  });

  test('Evidently chooses the same method, and has the same figures in its bins', () => {
    const theirs = (answers.evidently?.numbers[at] ?? {}) as Readonly<Record<string, Figure>>;
    const different = new Set([...reference, ...current]).size;
    const lattice = different <= 5 ? 'values' : 'spread';
    const [r, c] = [summarizeNumbers(reference, edges, lattice), summarizeNumbers(current, edges, lattice)];
    const { method } = chooseMethod(r, c);
    const names = {
      ks: ['ks'],
      chi_square: ['chisquare', 'z'],
      js_distance_ln: ['jensenshannon'],
      wasserstein_normed: ['wasserstein'],
    };
    expect(names[method as keyof typeof names]).toContain(theirs['chosen'] as unknown as string);
    // Edges that values lie on belong to other sides here and there.
    if (different > 20 && reference.length >= 50 && !Number.isInteger(reference[0])) {
      const both = [...reference, ...current];
      const [low, high] = [Math.min(...both), Math.max(...both)];
      const widths = widthEdges(low, high, sturgesParts(both.length));
      const [rs, cs] = [countInBins(reference, widths).counts, countInBins(current, widths).counts];
      beside.near(distances.psi(rs, cs), theirs['psi'], 1e-9, 'PSI');
      beside.near(distances.jsDistanceLn(rs, cs), theirs['jensenshannon'], 1e-7, 'Jensen-Shannon');
    }
    beside.near(normedBy(wassersteinDistance(reference, current), r), theirs['wasserstein'], 1e-9, 'Wasserstein');
    expect(beside.apart).toEqual([]);
  });
});

describe.each(each(categories))('categories: %s', (_name, at, { reference, current, words: both }) => {
  test('SciPy', () => {
    counted(reference, current, of('libraries', 'categories', at));
    expect(beside.apart).toEqual([]);
  });

  test('Evidently: the method, PSI with its zero fill, Jensen-Shannon, Hellinger, the z-test of two', () => {
    const theirs = of('evidently', 'categories', at);
    const [r, c] = both.map((one) => summarizeCategories(one));
    if (r === undefined || c === undefined) throw new Error('no summaries');
    const chosen = chooseMethod(r, c).method === 'chi_square' ? ['chisquare', 'z'] : ['jensenshannon'];
    expect(chosen).toContain(theirs['chosen'] as unknown as string);
    beside.near(distances.psi(reference, current), theirs['psi'], 1e-9, 'PSI');
    beside.near(distances.jsDistanceLn(reference, current), theirs['jensenshannon'], 1e-7, 'Jensen-Shannon');
    beside.near(distances.hellinger(reference, current), theirs['hellinger'], 1e-7, 'Hellinger');
    if (theirs['z'] !== null) beside.near(chiSquareTest(reference, current).pValue, theirs['z'], 1e-8, 'p of z');
    expect(beside.apart).toEqual([]);
  });

  test('NannyML', () => {
    const theirs = of('nannyml', 'categories', at);
    beside.near(distances.jsDistanceLog2(reference, current), theirs['js_distance_log2'], 1e-7, 'Jensen-Shannon');
    beside.near(distances.lInfinity(reference, current), theirs['l_infinity'], 1e-9, 'L-infinity');
    beside.near(distances.hellinger(reference, current), theirs['hellinger'], 1e-6, 'Hellinger');
    const { statistic, degrees } = chiSquareTest(reference, current);
    // Of two categories it takes Yates' correction.
    if (degrees > 1) beside.near(statistic, theirs['chi_square'], 1e-9, 'chi-square');
    expect(beside.apart).toEqual([]);
  });
});

describe.each(each(binary))('two classes: %s', (_name, at, { scores, actual, predicted, at: asked }) => {
  const outcomes = actual.map((value, i) => ({ actual: `${value}`, predicted: `${predicted[i]}`, count: 1 }));
  const both = [
    { actual: '0', predicted: '0', count: 0 },
    { actual: '1', predicted: '1', count: 0 },
  ];
  const fitted = () => {
    const rows = scores.map((score, i) => ({ score, positive: actual[i] === 1 }));
    const calibration = isotonicCalibration(summarizeScores(rows, 'exact').bins);
    if (calibration === undefined) throw new Error('no calibration');
    return { rows, calibration };
  };

  test('scikit-learn', () => {
    const theirs = of('libraries', 'binary', at);
    const { rows, calibration } = fitted();
    const told: Readonly<Record<string, Estimate | number>> = {
      ...binaryMetrics(countsOfClass(confusionOf([...outcomes, ...both]), '1'), { draws: 10 }),
      ...scoreMetrics(summarizeScores(rows, 'exact')),
    };
    for (const name of [
      'accuracy',
      'precision',
      'recall',
      'specificity',
      'f1',
      'rocAuc',
      'prAuc',
      'logLoss',
      'brier',
    ]) {
      // scikit-learn cuts a certain error off at the precision of float64, 2.2e-16.
      beside.near((told[name] as Estimate).value, theirs[name], name === 'logLoss' ? 2e-2 : 1e-9, name);
    }
    const shares = theirs['calibrated'] as unknown as readonly number[];
    for (const [i, score] of asked.entries())
      beside.near(calibrated(calibration, score), shares[i], 1e-9, `calibrated ${score}`);
    expect(beside.apart).toEqual([]);
  });

  test('NannyML estimates the same without labels', () => {
    const theirs = of('nannyml', 'binary', at);
    const { calibration } = fitted();
    const rows = scores.map((raw, i) => ({ raw, score: calibrated(calibration, raw), predicted: predicted[i] === 1 }));
    const told = estimatedMetrics(expectedCounts(rows));
    for (const name of ['accuracy', 'precision', 'recall', 'specificity', 'f1'] as const) {
      // It says 0 where there is nothing to divide by.
      beside.near(told[name].value ?? 0, theirs[name] ?? 0, 1e-9, name);
    }
    // It takes rows of one score one after the other, and rounds sums to five digits.
    if (new Set(scores).size === scores.length && theirs['rocAuc'] !== null) {
      beside.within(estimatedRocAuc(rows), theirs['rocAuc'], 5e-3, 'ROC AUC');
    }
    expect(beside.apart).toEqual([]);
  });
});

test.each(each(classes))('classes: %s', (_name, at, { actual, predicted }) => {
  const theirs = of('libraries', 'classes', at);
  const confusion = confusionOf(actual.map((value, i) => ({ actual: value, predicted: predicted[i] ?? '', count: 1 })));
  expect(confusion.counts).toEqual(theirs['confusion']);
  const told = classMetrics(confusion, { draws: 10 });
  for (const name of ['accuracy', 'macroPrecision', 'macroRecall', 'macroF1', 'balancedAccuracy'] as const) {
    beside.near(told[name].value, theirs[name], 1e-12, name);
  }
  expect(beside.apart).toEqual([]);
});

test.each(each(regression))('predicted numbers: %s', (_name, at, { actual, predicted }) => {
  const theirs = of('libraries', 'regression', at);
  const told = regressionMetrics(
    summarizeErrors(actual.map((value, i) => ({ actual: value, predicted: predicted[i] ?? 0 }))),
  );
  for (const name of ['mae', 'rmse', 'mape', 'r2', 'bias'] as const)
    beside.near(told[name].value, theirs[name], 1e-9, name);
  const [low, high] = theirs['maeInterval'] as unknown as readonly number[];
  beside.near(told.mae.low, low, 1e-8, 'low');
  beside.near(told.mae.high, high, 1e-8, 'high');
  expect(beside.apart).toEqual([]);
});

test.each(each(fairness))('fairness: %s', (_name, at, { groups, actual, predicted }) => {
  const theirs = of('libraries', 'fairness', at);
  const names = [...new Set(groups)];
  const told = fairnessOf(
    names.map((group) => {
      const rows = actual
        .map((value, i) => [value, predicted[i], groups[i]] as const)
        .filter(([, , own]) => own === group);
      const count = (y: number, p: number) => rows.filter(([a, b]) => a === y && b === p).length;
      return {
        group,
        rows: rows.length,
        selected: rows.filter(([, p]) => p === 1).length,
        labelled: {
          truePositives: count(1, 1),
          falsePositives: count(0, 1),
          falseNegatives: count(1, 0),
          trueNegatives: count(0, 0),
        },
      };
    }),
    { minimum: 1 },
  );
  beside.near(told.demographicParity?.difference, theirs['demographicParityDifference'], 1e-12, 'demographic parity');
  beside.near(told.demographicParity?.ratio, theirs['demographicParityRatio'], 1e-12, 'its ratio');
  beside.near(told.equalizedOdds?.difference, theirs['equalizedOddsDifference'], 1e-12, 'equalized odds');
  beside.near(told.equalizedOdds?.ratio, theirs['equalizedOddsRatio'], 1e-12, 'its ratio');
  beside.near(told.equalOpportunity?.difference, theirs['equalOpportunityDifference'], 1e-12, 'equal opportunity');
  const selection = theirs['selection'] as unknown as Readonly<Record<string, number>>;
  for (const { group, selectionRate } of told.groups) beside.near(selectionRate.value, selection[group], 1e-12, group);
  expect(beside.apart).toEqual([]);
});

test.each(each(attributions))('attributions: %s', (_name, at, { baseline, current }) => {
  beside.near(rankingGain(baseline, current), of('libraries', 'attributions', at)['ndcg'], 1e-12, 'ndcg');
  expect(beside.apart).toEqual([]);
});

test.each(each(tails))('%s, intervals and corrections', (_name, at, told) => {
  const theirs = of('libraries', 'tails', at) as unknown as Readonly<Record<string, readonly number[]>>;
  const corrected = of('evidently', 'tails', at) as unknown as Readonly<Record<string, readonly number[]>>;
  for (const [i, [x, k]] of told.chiSquare.entries())
    beside.near(chiSquareTail(x, k), theirs['chiSquare']?.[i], 1e-10, `χ² ${x} of ${k}`);
  for (const [i, z] of told.normal.entries()) beside.near(normalCumulative(z), theirs['normal']?.[i], 1e-11, `Φ(${z})`);
  for (const [i, p] of told.normalQuantile.entries())
    beside.near(normalQuantile(p), theirs['normalQuantile']?.[i], 1e-11, `Φ⁻¹(${p})`);
  for (const [i, x] of told.kolmogorov.entries())
    beside.near(kolmogorovTail(x), theirs['kolmogorov']?.[i], 1e-9, `K(${x})`);
  const intervals = theirs['wilson'] as unknown as readonly (readonly number[])[];
  for (const [i, [k, n]] of told.wilson.entries()) {
    const { low, high } = wilsonInterval(k, n, deviationsOf(0.95));
    beside.near(low, intervals[i]?.[0], 1e-9, `${k} of ${n}`);
    beside.near(high, intervals[i]?.[1], 1e-9, `${k} of ${n}`);
  }
  for (const correction of ['bonferroni', 'holm', 'benjamini-hochberg'] as const) {
    for (const [i, p] of adjustPValues(told.pValues, correction).entries())
      beside.near(p, corrected[correction]?.[i], 1e-12, correction);
  }
  for (const [i, p] of adjustPValues(told.pValues, 'benjamini-hochberg').entries()) {
    beside.near(p, theirs['benjaminiHochberg']?.[i], 1e-12, 'scipy');
  }
  expect(kolmogorovSmirnovP(0, 5, 5).pValue).toBe(1);
  expect(beside.apart).toEqual([]);
});
