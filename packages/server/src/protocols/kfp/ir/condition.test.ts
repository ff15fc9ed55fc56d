import { describe, expect, test } from 'vitest';
import type { Expression } from '#ledgers/executions/index.ts';
import { ConditionFault, conditionOf, selectorPath } from './condition.ts';

const x: Expression = { input: 'x' };
const X = "inputs.parameter_values['x']";

describe('what the SDK writes', () => {
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

describe('what people write', () => {
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
    [`${X} == 'it's'`, 'which is not understood'],
    [`${X} ==`, 'ends too early'],
    [`size(${X}) > 1`, 'uses size, which is not known'],
    [`${X} == 1 2`, 'goes on with 2'],
    ['inputs.other', 'names no input'],
    ["inputs.other['x']", 'in a way that is not known'],
    [`${'('.repeat(500)}true`, 'nests deeper than 100 levels'],
    ['x'.repeat(20_000), 'at most 10000 are read'],
    ['parseJson(1)["a"]', 'of something that is no input'],
  ])('%j is refused', (text, message) => {
    expect(() => conditionOf(text)).toThrow(ConditionFault);
    expect(() => conditionOf(text)).toThrow(message);
  });
});
