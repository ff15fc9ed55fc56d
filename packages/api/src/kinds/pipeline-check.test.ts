import { expect, test } from 'vitest';
import { pipelineIssues } from './pipeline-check.ts';
import { pipelineSpec } from './pipeline.ts';

const summarize = (inputs: object, more: object = {}) =>
  pipelineIssues(pipelineSpec.parse({ parameters: { which: {} }, steps: { a: { run: 'true', inputs, ...more } } })).map(
    ({ path, message }) => `${path ?? ''} ${message}`,
  );

test('a dataset is an input like others, with an explicit version or that of a parameter', () => {
  const good = {
    newest: { dataset: 'flights' },
    third: { dataset: 'flights', version: '3', format: 'csv' },
    day: { dataset: 'flights', version: '2026-11-01' },
    requested: { dataset: 'flights', parameter: 'which' },
  };
  expect(summarize(good)).toEqual([]);
});

test('problems of a dataset among the inputs are reported, each with its position', () => {
  const bad = {
    both: { dataset: 'flights', version: '3', parameter: 'which' },
    odd: { dataset: 'flights', version: '2026-02-31' },
    alone: { value: 1, version: '3' },
    two: { dataset: 'flights', value: 1 },
    none: { dataset: 'flights', parameter: 'wich' },
  };
  expect(summarize(bad)).toEqual([
    'spec.steps.a.inputs.both.version is set here and by `parameter`',
    'spec.steps.a.inputs.odd.version 2026-02-31 names no version',
    'spec.steps.a.inputs.alone.version applies only to `dataset`',
    'spec.steps.a.inputs.two comes from value and dataset',
    'spec.steps.a.inputs.none.parameter there is no parameter wich',
  ]);
});

test('files become a version, parameters do not; pipelines pass each other no dataset', () => {
  expect(summarize({}, { outputs: { rows: { path: 'rows', as: 'text', dataset: 'flights' } } })).toEqual([
    'spec.steps.a.outputs.rows.dataset creates a dataset version from files, but this output is a parameter',
  ]);
  const inner = { pipeline: 'other', run: undefined };
  expect(summarize({ x: { dataset: 'flights' } }, inner)).toEqual([
    'spec.steps.a.inputs.x.dataset is a files output. Pipelines pass only parameters to each other. Name the dataset in the other pipeline',
  ]);
});
