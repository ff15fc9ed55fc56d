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
import { type Estimate, wilsonInterval } from './estimate.ts';
import { fairnessOf } from './fairness.ts';
import { calibrated, isotonicCalibration } from './isotonic.ts';
import { kolmogorovSmirnovP, kolmogorovSmirnovTest } from './kolmogorov-smirnov.ts';
import { adjustPValues } from './multiple-testing.ts';
import {
  attributions,
  binary,
  cases,
  categories,
  classes,
  fairness,
  numbers,
  regression,
  tails,
} from './random-tables.testing.ts';
import { regressionMetrics, summarizeErrors } from './regression.ts';
import { scoreMetrics, summarizeScores } from './scores.ts';
import { chiSquareTail, deviationsOf, kolmogorovTail, normalCumulative, normalQuantile } from './special-functions.ts';
import { normedBy, wassersteinDistance, wassersteinOfBins } from './wasserstein.ts';

/** A value of a peer; null: the peer has none. */
type Figure = number | null;
type Reported = Readonly<Record<string, unknown>>;

const peer = fileURLToPath(new URL('../../../../../conformance/monitoring', import.meta.url));
type Answers = Readonly<Record<keyof typeof cases, readonly Reported[]>>;

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
  const reported = answers[from]?.[kind][at];
  if (reported === undefined) throw new Error(`${from} returned nothing for ${kind} ${at}`);
  return reported as Readonly<Record<string, Figure>>;
}

/** The differences from the peer as text; an empty list passes. */
class Beside {
  readonly apart: string[] = [];

  /** Within `relative` of the peer's value, or 1e-12 of zero; if the peer has none, there must be none. */
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
    // The exact value up to rounding; Kolmogorov's limit compared with scipy's one-sample distribution of the same
    // weight.
    if ((theirs['ks_p'] ?? 0) > 1e-280)
      beside.near(ks.pValue, theirs['ks_p'], ks.method === 'exact' ? 1e-7 : 0.03, 'p of KS');
    const distance = wassersteinDistance(reference, current);
    beside.near(distance, theirs['wasserstein'], 1e-9, 'Wasserstein');
    beside.near(normedBy(distance, summarizeNumbers(reference, edges)), theirs['wasserstein_normed'], 1e-9, 'normed');
    beside.near(summary.mean, theirs['mean'], 1e-9, 'mean');
    expect(Math.abs(summary.squares - (theirs['squares'] ?? 0))).toBeLessThanOrEqual(1e-9 * (1 + summary.squares));
    expect(beside.apart).toEqual([]);
  });

  test('from bins of hundredths, Wasserstein is within 2 % of a deviation, or 5 % of its value', () => {
    const exact = of('libraries', 'numbers', at)['wasserstein_normed'] ?? 0;
    const lattice = reference.every((value) => Number.isInteger(value)) ? 'whole' : 'spread';
    const fine = withoutGaps(quantileEdges(reference, 100));
    const [r, c] = [summarizeNumbers(reference, fine, lattice), summarizeNumbers(current, fine, lattice)];
    const reported = normedBy(wassersteinOfBins(r, c), r);
    // A constant has one edge: for deviating values, bins contain only their mean, not their distribution.
    const most = new Set(reference).size === 1 ? 0.25 * exact : 0.02 + 0.05 * exact;
    // Bins cannot locate a handful of values; there the values themselves are kept.
    if (reference.length >= 40) beside.within(reported, exact, most, 'Wasserstein');
    expect(beside.apart).toEqual([]);
  });

  test('Evidently chooses the same method, and has the same values in its bins', () => {
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
    // Values on edges belong to different bins in some cases.
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
    // For two categories it applies Yates' correction.
    if (degrees > 1) beside.near(statistic, theirs['chi_square'], 1e-9, 'chi-square');
    expect(beside.apart).toEqual([]);
  });
});

describe.each(each(binary))('two classes: %s', (_name, at, { scores, actual, predicted, at: request }) => {
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
    const reported: Readonly<Record<string, Estimate | number>> = {
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
      beside.near((reported[name] as Estimate).value, theirs[name], name === 'logLoss' ? 2e-2 : 1e-9, name);
    }
    const shares = theirs['calibrated'] as unknown as readonly number[];
    for (const [i, score] of request.entries())
      beside.near(calibrated(calibration, score), shares[i], 1e-9, `calibrated ${score}`);
    expect(beside.apart).toEqual([]);
  });

  test('NannyML estimates the same without labels', () => {
    const theirs = of('nannyml', 'binary', at);
    const { calibration } = fitted();
    const rows = scores.map((raw, i) => ({ raw, score: calibrated(calibration, raw), predicted: predicted[i] === 1 }));
    const reported = estimatedMetrics(expectedCounts(rows));
    for (const name of ['accuracy', 'precision', 'recall', 'specificity', 'f1'] as const) {
      // It returns 0 for a denominator of 0.
      beside.near(reported[name].value ?? 0, theirs[name] ?? 0, 1e-9, name);
    }
    // It processes rows with equal scores sequentially, and rounds sums to five digits.
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
  const reported = classMetrics(confusion, { draws: 10 });
  for (const name of ['accuracy', 'macroPrecision', 'macroRecall', 'macroF1', 'balancedAccuracy'] as const) {
    beside.near(reported[name].value, theirs[name], 1e-12, name);
  }
  expect(beside.apart).toEqual([]);
});

test.each(each(regression))('predicted numbers: %s', (_name, at, { actual, predicted }) => {
  const theirs = of('libraries', 'regression', at);
  const reported = regressionMetrics(
    summarizeErrors(actual.map((value, i) => ({ actual: value, predicted: predicted[i] ?? 0 }))),
  );
  for (const name of ['mae', 'rmse', 'mape', 'r2', 'bias'] as const)
    beside.near(reported[name].value, theirs[name], 1e-9, name);
  const [low, high] = theirs['maeInterval'] as unknown as readonly number[];
  beside.near(reported.mae.low, low, 1e-8, 'low');
  beside.near(reported.mae.high, high, 1e-8, 'high');
  expect(beside.apart).toEqual([]);
});

test.each(each(fairness))('fairness: %s', (_name, at, { groups, actual, predicted }) => {
  const theirs = of('libraries', 'fairness', at);
  const names = [...new Set(groups)];
  const reported = fairnessOf(
    names.map((group) => {
      const rows = actual
        .map((value, i) => [value, predicted[i], groups[i]] as const)
        .filter(([, , own]) => own === group);
      const count = (y: number, p: number) => rows.filter(([a, b]) => a === y && b === p).length;
      return {
        group,
        rows: rows.length,
        selected: rows.filter(([, p]) => p === 1).length,
        labeled: {
          truePositives: count(1, 1),
          falsePositives: count(0, 1),
          falseNegatives: count(1, 0),
          trueNegatives: count(0, 0),
        },
      };
    }),
    { minimum: 1 },
  );
  beside.near(
    reported.demographicParity?.difference,
    theirs['demographicParityDifference'],
    1e-12,
    'demographic parity',
  );
  beside.near(reported.demographicParity?.ratio, theirs['demographicParityRatio'], 1e-12, 'its ratio');
  beside.near(reported.equalizedOdds?.difference, theirs['equalizedOddsDifference'], 1e-12, 'equalized odds');
  beside.near(reported.equalizedOdds?.ratio, theirs['equalizedOddsRatio'], 1e-12, 'its ratio');
  beside.near(reported.equalOpportunity?.difference, theirs['equalOpportunityDifference'], 1e-12, 'equal opportunity');
  const selection = theirs['selection'] as unknown as Readonly<Record<string, number>>;
  for (const { group, selectionRate } of reported.groups)
    beside.near(selectionRate.value, selection[group], 1e-12, group);
  expect(beside.apart).toEqual([]);
});

test.each(each(attributions))('attributions: %s', (_name, at, { baseline, current }) => {
  beside.near(rankingGain(baseline, current), of('libraries', 'attributions', at)['ndcg'], 1e-12, 'ndcg');
  expect(beside.apart).toEqual([]);
});

test.each(each(tails))('%s, intervals and corrections', (_name, at, reported) => {
  const theirs = of('libraries', 'tails', at) as unknown as Readonly<Record<string, readonly number[]>>;
  const corrected = of('evidently', 'tails', at) as unknown as Readonly<Record<string, readonly number[]>>;
  for (const [i, [x, k]] of reported.chiSquare.entries())
    beside.near(chiSquareTail(x, k), theirs['chiSquare']?.[i], 1e-10, `χ² ${x} of ${k}`);
  for (const [i, z] of reported.normal.entries())
    beside.near(normalCumulative(z), theirs['normal']?.[i], 1e-11, `Φ(${z})`);
  for (const [i, p] of reported.normalQuantile.entries())
    beside.near(normalQuantile(p), theirs['normalQuantile']?.[i], 1e-11, `Φ⁻¹(${p})`);
  for (const [i, x] of reported.kolmogorov.entries())
    beside.near(kolmogorovTail(x), theirs['kolmogorov']?.[i], 1e-9, `K(${x})`);
  const intervals = theirs['wilson'] as unknown as readonly (readonly number[])[];
  for (const [i, [k, n]] of reported.wilson.entries()) {
    const { low, high } = wilsonInterval(k, n, deviationsOf(0.95));
    beside.near(low, intervals[i]?.[0], 1e-9, `${k} of ${n}`);
    beside.near(high, intervals[i]?.[1], 1e-9, `${k} of ${n}`);
  }
  for (const correction of ['bonferroni', 'holm', 'benjamini-hochberg'] as const) {
    for (const [i, p] of adjustPValues(reported.pValues, correction).entries())
      beside.near(p, corrected[correction]?.[i], 1e-12, correction);
  }
  for (const [i, p] of adjustPValues(reported.pValues, 'benjamini-hochberg').entries()) {
    beside.near(p, theirs['benjaminiHochberg']?.[i], 1e-12, 'scipy');
  }
  expect(kolmogorovSmirnovP(0, 5, 5).pValue).toBe(1);
  expect(beside.apart).toEqual([]);
});
