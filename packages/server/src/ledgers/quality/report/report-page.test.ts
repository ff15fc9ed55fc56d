import type { ExpectationResult, QualityCheckResults, QualityReport } from '@dais/api/data';
import { expect, test } from 'vitest';
import { unstyledClasses } from '#testing/unstyled-classes.ts';
import { reportPage } from './report-page.ts';

const ID = '00000000-0000-7000-8000-000000000001';

function resultOf(outcome: ExpectationResult['outcome'], severity: ExpectationResult['severity']): ExpectationResult {
  return {
    name: `${outcome}-${severity}`,
    type: 'range',
    severity,
    outcome,
    description: 'Delays are plausible.',
    findings: [{ column: 'x', anomaly: 'FLOAT_TYPE_BIG_FLOAT', observed: '99', allowed: 'at most 10' }],
    more: 2,
    sample: { columns: ['x', 'y', 'z'], rows: [[99, null, 'a']], total: 7, masked: ['z'] },
  };
}

function reportOf(state: string, change: Partial<QualityCheckResults>): QualityReport {
  const check: QualityCheckResults = {
    id: ID,
    dataset: 'flights',
    version: ID,
    number: 2,
    state: 'passed',
    gate: true,
    passed: 1,
    failed: 0,
    warned: 0,
    createdAt: 0,
    endedAt: 1000,
    results: (['passed', 'failed', 'error'] as const).flatMap((outcome) => [
      resultOf(outcome, 'block'),
      resultOf(outcome, 'warn'),
    ]),
    ...change,
  };
  const profile: QualityReport['profile'] = {
    version: ID,
    rows: 100,
    columns: [
      {
        name: 'x',
        type: 'double',
        family: 'number',
        count: 100,
        nulls: 0,
        distinct: 50,
        histogram: { edges: [0, 1, 2], counts: [40, 60] },
      },
      {
        name: 'y',
        type: 'varchar',
        family: 'text',
        count: 100,
        nulls: 0,
        distinct: 2,
        top: [
          { value: 'AA', count: 60 },
          { value: 'DL', count: 40 },
        ],
        topComplete: true,
      },
      { name: 'z', type: 'varchar', family: 'text', count: 0, nulls: 100, distinct: 0 },
    ],
    correlations: [{ columns: ['x', 'y'], pearson: 0.75 }],
    madeAt: 0,
    seconds: 1,
  };
  return {
    dataset: 'flights',
    version: {
      id: ID,
      number: 2,
      state,
      rows: 100,
      bytes: 1000,
      createdAt: 0,
      createdBy: { type: 'user', id: 'ada' },
      digest: '0'.repeat(64),
    },
    check,
    profile,
    before: { number: 1, profile },
    shifts: [
      { column: 'x', jsdLog2: 0.5 },
      { column: 'y', jsdLog2: 0.01 },
    ],
    history: (['passed', 'failed', 'error', 'pending'] as const).map((one) => ({ ...check, state: one })),
  };
}

test.each([
  ['quarantined', 'failing', {}],
  ['broken', 'failing', {}],
  ['building', 'warning', {}],
  ['ready', 'failing', { state: 'error' }],
  ['ready', 'warning', { failed: 1 }],
  ['ready', 'warning', { warned: 1 }],
  ['ready', 'passing', {}],
] as const)('every class of a report of a %s version with the result %s has a style rule', (state, kind, change) => {
  const html = reportPage(reportOf(state, change));
  expect(html).toContain(`class="result ${kind}"`);
  expect(unstyledClasses(html)).toEqual([]);
});
