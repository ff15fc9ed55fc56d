import { describe, expect, test } from 'vitest';
import type { Expression } from '#ledgers/executions/index.ts';
import { ConditionError, conditionOf, selectorPath } from './condition.ts';

const x: Expression = { input: 'x' };
const X = "inputs.parameter_values['x']";

describe('conditions that the SDK generates', () => {
  test.each<[string, Expression]>([
    [`${X} == 'heads'`, { compare: '==', left: x, right: { value: 'heads' } }],
    [`!(${X} == 'heads')`, { not: { compare: '==', left: x, right: { value: 'heads' } } }],
    [
      `int(${X}) >= int(inputs.parameter_values['y'])`,
      { compare: '>=', left: { number: x, whole: true }, right: { number: { input: 'y' }, whole: true } },
    ],
    [`double(int(${X})) < 0.5`, { compare: '<', left: { number: { number: x, whole: true } }, right: { value: 0.5 } }],
    [`${X} == true`, { compare: '==', left: x, right: { value: true } }],
    [
      `!(int(${X}) < 5000) && int(${X}) > 5000`,
      {
        all: [
          { not: { compare: '<', left: { number: x, whole: true }, right: { value: 5000 } } },
          { compare: '>', left: { number: x, whole: true }, right: { value: 5000 } },
        ],
      },
    ],
  ])('%s', (text, expression) => {
    expect(conditionOf(text)).toEqual(expression);
  });

  test('a member of a parameter', () => {
    expect(selectorPath('parseJson(string_value)["A_a"]')).toEqual(['A_a']);
    expect(selectorPath('parseJson(string_value)["a"][0].b')).toEqual(['a', '0', 'b']);
  });
});

describe('handwritten conditions', () => {
  test.each<[string, Expression]>([
    [
      "inputs.artifacts['m'].artifacts[0].metadata['accuracy'] > 0.9",
      {
        compare: '>',
        left: { input: 'm', artifact: 0, path: ['metadata', 'accuracy'] },
        right: { value: 0.9 },
      },
    ],
    [
      `${X} == "it's" || ${X} == 'a\\'b'`,
      {
        any: [
          { compare: '==', left: x, right: { value: "it's" } },
          { compare: '==', left: x, right: { value: "a'b" } },
        ],
      },
    ],
    [`parseJson(${X})["k"] == -1`, { compare: '==', left: { input: 'x', path: ['k'] }, right: { value: -1 } }],
    [`string(${X}) != null`, { compare: '!=', left: { text: x }, right: { value: null } }],
    ['inputs.parameters.x', x],
  ])('%s', (text, expression) => {
    expect(conditionOf(text)).toEqual(expression);
  });

  test.each([
    [`${X} == 'it's'`, 'which is not supported'],
    [`${X} ==`, 'is incomplete'],
    [`size(${X}) > 1`, 'uses the unsupported function size'],
    [`${X} == 1 2`, 'continues with 2'],
    ['inputs.other', 'does not name an input'],
    ["inputs.other['x']", 'in an unsupported form'],
    [`${'('.repeat(500)}true`, 'is nested more than 100 levels deep'],
    ['x'.repeat(20_000), 'the limit is 10000'],
    ['parseJson(1)["a"]', 'on something other than an input'],
  ])('%j is rejected', (text, message) => {
    expect(() => conditionOf(text)).toThrow(ConditionError);
    expect(() => conditionOf(text)).toThrow(message);
  });
});
