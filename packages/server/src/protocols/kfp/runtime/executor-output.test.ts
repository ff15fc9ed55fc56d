import { describe, expect, test } from 'vitest';
import type { Artifact, StepResults } from '#ledgers/executions/index.ts';
import type { IrParameterType } from '../ir/messages.ts';
import { outputArtifacts, outputParameters, readExecutorOutput } from './executor-output.ts';
import type { KfpStep } from './kfp-step.ts';

const nothing: Artifact = { run: 'r', prefix: 'p', folder: false, files: 0, bytes: 0, digest: '0' };
const step = (outputs: KfpStep['outputs']): KfpStep => ({
  pipeline: 'p',
  task: 't',
  component: 'c',
  parameters: {},
  artifacts: {},
  outputs,
  body: { importer: { uri: { constant: '' }, metadata: {} } },
  successState: 'COMPLETE',
});

function parameter(type: IrParameterType, text: string | undefined, executor?: string) {
  const left: StepResults = { texts: text === undefined ? {} : { out: text }, artifacts: {}, nothing };
  return outputParameters(step({ parameters: { out: type }, artifacts: {} }), readExecutorOutput(executor), left);
}

describe('parameters', () => {
  test.each<[IrParameterType, string, unknown]>([
    ['STRING', ' a\n', ' a\n'],
    ['NUMBER_INTEGER', '7\n', 7],
    ['NUMBER_DOUBLE', ' 1e-3', 0.001],
    ['BOOLEAN', 'True', true],
    ['BOOLEAN', '0', false],
    ['LIST', '[1]', [1]],
    ['STRUCT', '{"a": null}', { a: null }],
  ])('%s from %j', (type, text, value) => {
    expect(parameter(type, text)).toEqual({ out: { parameter: value } });
  });

  test.each<[IrParameterType, string, string]>([
    ['NUMBER_INTEGER', '7.5', 'not an integer'],
    ['NUMBER_DOUBLE', '', 'not a number'],
    ['BOOLEAN', 'yes', 'not a boolean'],
    ['LIST', '{}', 'not a list'],
    ['STRUCT', 'x', 'not an object'],
  ])('%s from %j is an error', (type, text, message) => {
    expect(() => parameter(type, text)).toThrow(message);
  });

  test('the executor output takes precedence over a parameter file', () => {
    expect(parameter('STRING', 'file', '{"parameterValues": {"out": "value"}}')).toEqual({
      out: { parameter: 'value' },
    });
  });

  test('a missing parameter is an error, except for a function that returned None', () => {
    expect(() => parameter('STRING', undefined)).toThrow('output out is missing: the component wrote no file for it');
    expect(parameter('STRING', undefined, '{}')).toEqual({});
    expect(() => parameter('STRING', undefined, '{')).toThrow('is not valid JSON');
  });
});

test('artifacts have the reported name and metadata', () => {
  const of = step({ parameters: {}, artifacts: { model: { type: 'system.Model', metadata: { a: 1, b: 1 } } } });
  const reported = (more: object) =>
    readExecutorOutput(
      JSON.stringify({ artifacts: { model: { artifacts: [{ name: 'm', metadata: { b: 2 }, ...more }] } } }),
    );
  const files = { ...nothing, files: 2, digest: '1' };
  const known = { label: 'm', type: 'system.Model', metadata: { a: 1, b: 2 } };
  const left = (artifacts: StepResults['artifacts']): StepResults => ({ texts: {}, artifacts, nothing });
  expect(outputArtifacts(of, reported({ uri: '/w/x' }), left({ model: files }))).toEqual({
    model: { artifact: { ...files, ...known } },
  });
  expect(outputArtifacts(of, reported({ uri: 'gs://b/k' }), left({}))).toEqual({
    model: { artifact: { ...nothing, ...known, uri: 'gs://b/k' } },
  });
});
