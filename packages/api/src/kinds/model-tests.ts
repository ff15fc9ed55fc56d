/** Tests that every version of a model has to pass before it gets traffic. */
import { z } from 'zod';
import type { Issue } from '#errors.ts';

const testName = z
  .string()
  .min(1)
  .max(200)
  .describe('Description of the tested property; unique among the tests of the model.');
const columnName = z.string().min(1).max(1024);
const row = z
  .union([z.record(columnName, z.unknown()), z.array(z.unknown()).min(1).max(100_000)])
  .describe('One row: values by column (a list for a tensor input of that name), or a list of numbers.');
const base = row.optional().describe('One row as of `input`. Default: the first of the stored input example.');
const column = z
  .union([columnName, z.int().min(0).max(100_000)])
  .describe('Column name; for a row that is a list, the index from 0.');
const output = columnName.optional().describe('Output of the model, if it has several.');
const at = z
  .int()
  .min(0)
  .max(1_000_000)
  .optional()
  .describe('Index of the number in that output, from 0, if it is a list.');
const tolerance = (of: string) => z.number().min(0).optional().describe(`By how much ${of}. Default: a millionth.`);

const valueTest = z.strictObject({
  name: testName,
  check: z.literal('value').describe('An input has the expected output.'),
  input: row,
  expected: z
    .union([z.number(), z.string(), z.boolean(), z.array(z.unknown()), z.record(columnName, z.unknown())])
    .describe('A number, text, boolean or list; values by name if the model has several outputs.'),
  output,
  at,
  tolerance: tolerance('numbers may differ'),
});

const invarianceTest = z.strictObject({
  name: testName,
  check: z.literal('invariance').describe('The output stays the same for all values of the column.'),
  input: base,
  column,
  values: z.array(z.unknown()).min(1).max(50).describe('Values that replace the value of the column.'),
  output,
  at,
  tolerance: tolerance('the output may move'),
});

const directionTest = z.strictObject({
  name: testName,
  check: z.literal('direction').describe('The output moves in one direction as the column increases.'),
  input: base,
  column,
  values: z.array(z.number()).min(2).max(50).describe('Values of the column in increasing order.'),
  goes: z.enum(['up', 'down']).describe('Direction of the output.'),
  output,
  at,
  tolerance: tolerance('a step may go the other way'),
});

export const modelTestSchema = z.discriminatedUnion('check', [valueTest, invarianceTest, directionTest]);
export type ModelTest = z.output<typeof modelTestSchema>;

export const modelTestsSchema = z
  .array(modelTestSchema)
  .max(200)
  .optional()
  .describe(
    'Tests that every version must pass: run by `dais model test`, and by a rollout before the version gets traffic.',
  );

/** Rules for tests beyond JSON Schema. */
export function checkModelTests(tests: readonly ModelTest[]): Issue[] {
  const issues: Issue[] = [];
  const names = new Map<string, number>();
  for (const [position, test] of tests.entries()) {
    const path = `spec.tests[${position}]`;
    const before = names.get(test.name);
    if (before !== undefined) {
      const message = `is "${test.name}", as that of tests[${before}]`;
      issues.push({ path: `${path}.name`, message, expected: 'a unique name' });
    }
    names.set(test.name, position);
    if (test.check === 'value') {
      issues.push(...expectedIssues(test, path));
      continue;
    }
    issues.push(...columnIssues(test, path));
    if (test.check !== 'direction') continue;
    const fell = test.values.findIndex((value, index) => index > 0 && value <= (test.values[index - 1] ?? value));
    if (fell >= 0) {
      const message = `is ${test.values[fell]} after ${test.values[fell - 1]}`;
      issues.push({ path: `${path}.values[${fell}]`, message, expected: 'more than the value before' });
    }
  }
  return issues;
}

function expectedIssues({ expected, output, at }: z.output<typeof valueTest>, path: string): Issue[] {
  if (output !== undefined && typeof expected === 'object' && !Array.isArray(expected)) {
    const message = 'names outputs in addition to `output`';
    return [{ path: `${path}.expected`, message, expected: 'the value of that output alone' }];
  }
  if (at !== undefined && typeof expected === 'object') {
    const message = `is not a single value, as required by \`at: ${at}\``;
    return [{ path: `${path}.expected`, message, expected: 'a number, text or truth value' }];
  }
  return [];
}

function columnIssues(
  { column: of, input }: z.output<typeof invarianceTest> | z.output<typeof directionTest>,
  path: string,
): Issue[] {
  if (input === undefined) return [];
  if (Array.isArray(input)) {
    if (typeof of === 'number' && of < input.length) return [];
    const expected = `a place from 0 to ${input.length - 1}: \`input\` is a list`;
    return [{ path: `${path}.column`, message: `is ${JSON.stringify(of)}`, expected }];
  }
  if (typeof of === 'string' && Object.hasOwn(input, of)) return [];
  const expected = `one of ${Object.keys(input).join(', ')}`;
  return [{ path: `${path}.column`, message: `is ${JSON.stringify(of)}, which \`input\` does not have`, expected }];
}
