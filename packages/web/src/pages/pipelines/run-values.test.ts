import { expect, test } from 'vitest';
import { typedValues, type PipelineParameter } from './run-values.ts';

test('typed text is converted to its type; an empty field keeps the default', () => {
  const parameters: Readonly<Record<string, PipelineParameter>> = {
    rate: { type: 'number', default: 0.1 },
    epochs: { type: 'integer' },
    name: { type: 'string', default: 'x' },
    deep: { type: 'boolean', choices: [true, false] },
    list: { type: 'list', default: [] },
    missing: { type: 'integer' },
  };
  const given = { epochs: '3', name: '', deep: 'true', list: '{"a":1}', rate: '' };
  expect(typedValues(parameters, given)).toEqual({
    values: { epochs: 3, name: '', deep: true },
    problems: { list: 'Not a list.', missing: 'A value is required: the parameter has no default.' },
  });
});
