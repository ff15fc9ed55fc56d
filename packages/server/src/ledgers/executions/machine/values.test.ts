import { describe, expect, test } from 'vitest';
import { STEP } from '../testing/plan-model.ts';
import { planIssues } from './plan-check.ts';
import type { Artifact, Binding, Expression, Json, Value } from './plan.ts';
import { isTrue, resolveInputs, ValueError } from './values.ts';

const FILES: Artifact = {
  run: 'r',
  prefix: 'p',
  folder: false,
  files: 1,
  bytes: 1,
  digest: '0',
  label: 'model',
  metadata: { accuracy: 0.9 },
};

function resolved(inputs: Readonly<Record<string, Binding>>, given: Readonly<Record<string, Value>> = {}) {
  const task = { needs: [], after: 'succeeded', inputs, body: { step: STEP } } as const;
  return resolveInputs(task, given, new Map());
}

describe('inputs of a task', () => {
  const of = (parameter: Json) => ({ x: { parameter } });

  test('have defaults for missing values', () => {
    const binding = { a: { input: 'x', otherwise: 5 } };
    expect(resolved(binding)).toEqual({ a: { parameter: 5 } });
    expect(resolved(binding, of(null))).toEqual({ a: { parameter: 5 } });
    expect(resolved(binding, of(0))).toEqual({ a: { parameter: 0 } });
    expect(resolved({ a: { input: 'x', optional: true, as: 'text' } }, of(null))).toEqual({ a: { parameter: null } });
  });

  test.each<[Json, string]>([
    ['a', 'a'],
    [2, '2'],
    [true, 'true'],
    [[1, 'b'], '[1,"b"]'],
    [{ a: 1 }, '{"a":1}'],
  ])('%j is converted to text', (value, text) => {
    expect(resolved({ a: { input: 'x', as: 'text' } }, of(value))).toEqual({ a: { parameter: text } });
  });

  test.each<[Json, 'number' | 'boolean' | 'list' | 'object', string]>([
    ['2', 'number', 'a is text, not a number'],
    [1, 'boolean', 'a is a number, not a boolean'],
    [{}, 'list', 'a is an object, not a list'],
    [[], 'object', 'a is a list, not an object'],
    [null, 'number', 'a has no value: it is null'],
  ])('%j is not of type %s', (value, as, message) => {
    expect(() => resolved({ a: { input: 'x', as } }, of(value))).toThrow(new ValueError(message));
  });

  test('can be composed of other inputs', () => {
    const compose = {
      members: {
        say: { text: ['n = ', { input: 'n' }, ', ', { input: 'l' }, { input: 'none' }] },
        list: { list: [{ value: 1 }] },
      },
    } as const;
    const inputs = {
      n: { value: 3 },
      l: { value: ['x'] },
      none: { input: 'x', optional: true },
      all: { compose },
    } as const;
    expect(resolved(inputs)['all']).toEqual({ parameter: { say: 'n = 3, ["x"]', list: [1] } });
    expect(() =>
      resolved({ f: { input: 'x' }, all: { compose: { text: [{ input: 'f' }] } } }, { x: { artifact: FILES } }),
    ).toThrow('f is an artifact');
  });

  test('can be composed only of existing inputs that are not composed themselves', () => {
    const text = (input: string): Binding => ({ compose: { text: [{ input }] } });
    const inputs = { a: text('b'), b: text('c') };
    const task = { needs: [], after: 'succeeded', inputs, body: { step: STEP } } as const;
    expect(planIssues({ tasks: { t: task }, outputs: {} }, new Set())).toEqual([
      { path: 'tasks.t.inputs.a', message: 'input b is itself composed' },
      { path: 'tasks.t.inputs.b', message: 'input c does not exist' },
    ]);
  });
});

describe('conditions', () => {
  const inputs = {
    n: { parameter: '7' },
    half: { parameter: 2.5 },
    list: { parameter: [1] },
    model: { artifact: FILES },
    models: { artifacts: [FILES, { ...FILES, metadata: { accuracy: 0.1 } }] },
  };
  const is = (left: Expression, right: Json): Expression => ({ compare: '==', left, right: { value: right } });

  test.each<[string, Expression, boolean]>([
    ['text as a number', is({ number: { input: 'n' } }, 7), true],
    ['a number truncated to an integer', is({ number: { input: 'half' }, whole: true }, 2), true],
    ['a number unchanged', is({ number: { input: 'half' } }, 2.5), true],
    ['a number as text', is({ text: { input: 'half' } }, '2.5'), true],
    ['the metadata of an artifact', is({ input: 'model', artifact: 0, path: ['metadata', 'accuracy'] }, 0.9), true],
    [
      'the metadata of one of several artifacts',
      is({ input: 'models', artifact: 1, path: ['metadata', 'accuracy'] }, 0.1),
      true,
    ],
  ])('%s', (_, condition, value) => {
    expect(isTrue(condition, inputs)).toBe(value);
  });

  test.each<[Expression, string]>([
    [{ number: { input: 'list' } }, 'requires a number, not [1]'],
    [{ input: 'model', artifact: 1 }, 'uses artifact 1 of model, which does not exist'],
    [{ input: 'n', artifact: 0 }, 'uses n as an artifact, but it is a parameter'],
    [{ input: 'model', artifact: 0, path: ['metadata', 'loss'] }, 'model has no member loss'],
  ])('%j is an error', (left, message) => {
    expect(() => isTrue(is(left, 1), inputs)).toThrow(message);
  });
});
