import { expect, test } from 'vitest';
import { spanContent } from './span-content.ts';
import { assessmentText, costText, tokensOf, typedValue } from './trace-words.ts';

test('inputs, outputs and type in every convention; other attributes as text', () => {
  expect(
    spanContent({
      attributes: {
        'mlflow.spanType': '"LLM"',
        'mlflow.spanInputs': '{"question": "Why?"}',
        'gen_ai.output.messages': 'plain',
        temperature: { '@': ['double', 1] },
        list: [{ '@': ['int', '9007199254740993'] }, { a: true }],
      },
    }),
  ).toEqual({
    type: 'LLM',
    inputs: '{\n  "question": "Why?"\n}',
    outputs: 'plain',
    attributes: [
      ['temperature', '1'],
      ['list', '[\n  "9007199254740993",\n  {\n    "a": true\n  }\n]'],
    ],
  });
  expect(spanContent({})).toEqual({ type: undefined, inputs: undefined, outputs: undefined, attributes: [] });
});

test('assessments and numbers', () => {
  expect(assessmentText({ name: 'right', value: true })).toBe('right = true');
  expect(assessmentText({ name: 'right', value: null, error: {} })).toBe('right: evaluation failed');
  expect([typedValue('true'), typedValue('0.5'), typedValue('fair'), typedValue('{"a":1}')]).toEqual([
    true,
    0.5,
    'fair',
    { a: 1 },
  ]);
  expect(tokensOf({ usage: { input_tokens: 3, output_tokens: 4 } })).toBe(7);
  expect(tokensOf({})).toBeUndefined();
  expect(costText(0.00123)).toBe('$0.00123');
});
