import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConditionError, conditionReferences, parseCondition } from '#pipelines/condition.ts';

const reference = (...path: string[]) => ({ reference: path });

function errorOf(text: string): unknown {
  try {
    return parseCondition(text);
  } catch (error) {
    return error;
  }
}

describe('a condition', () => {
  test('uses the precedence of CEL', () => {
    expect(parseCondition('inputs.a < 1 || inputs.b == "x" && !inputs.c')).toEqual({
      any: [
        { compare: '<', left: reference('inputs', 'a'), right: { value: 1 } },
        {
          all: [
            { compare: '==', left: reference('inputs', 'b'), right: { value: 'x' } },
            { not: reference('inputs', 'c') },
          ],
        },
      ],
    });
    expect(parseCondition('(inputs.a || true) && null == inputs.b')).toEqual({
      all: [
        { any: [reference('inputs', 'a'), { value: true }] },
        { compare: '==', left: { value: null }, right: reference('inputs', 'b') },
      ],
    });
  });

  test('accesses members, converts and indexes', () => {
    expect(parseCondition(`int(steps.train.outputs.report["f 1"][0]) >= -2.5e1`)).toEqual({
      compare: '>=',
      left: { number: reference('steps', 'train', 'outputs', 'report', 'f 1', '0') },
      right: { value: -25 },
    });
    expect(parseCondition(`parameters.mode in ['a', "b\\n"]`)).toEqual({
      any: ['a', 'b\n'].map((value) => ({ compare: '==', left: reference('parameters', 'mode'), right: { value } })),
    });
    expect(conditionReferences(parseCondition('inputs.a == inputs.b && inputs.c'))).toEqual([
      ['inputs', 'a'],
      ['inputs', 'b'],
      ['inputs', 'c'],
    ]);
  });

  test.each([
    ['inputs.a <', 10, 'it ends where a value'],
    ['inputs.a < 1 2', 13, 'it has 2 where the end'],
    ['inputs.a = 1', 9, '"=" has no meaning here'],
    ['size(inputs.a) > 1', 0, 'there is no function size'],
    ['inputs. == 1', 8, 'the name of a member'],
    ['(inputs.a', 9, 'it ends where `)` is expected'],
    ['inputs["a" == 1', 11, '`]`'],
    ['inputs.a == "\\q"', 12, '\\q is no escape'],
  ])('rejects %s at the position of the error', (text, at, message) => {
    expect(errorOf(text)).toMatchObject({ at, message: expect.stringContaining(message) });
  });

  test('parses or rejects any text without another error', () => {
    const word = fc.constantFrom(
      'inputs.a',
      '(',
      ')',
      '!',
      '&&',
      '||',
      '==',
      '<',
      '1',
      '"x"',
      'in',
      '[',
      ']',
      ',',
      '.',
      ' ',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 200 }).map((words) => words.join('')),
        ),
        (text) => {
          try {
            parseCondition(text);
          } catch (error) {
            if (!(error instanceof ConditionError)) throw error;
          }
        },
      ),
    );
    expect(() => parseCondition('('.repeat(2000))).toThrow(ConditionError);
    expect(() => parseCondition('!'.repeat(2000))).toThrow(ConditionError);
  });
});
