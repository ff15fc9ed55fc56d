/** Runs the tests of a Model against a loaded version, through the route of all requests. */
import { modelTestsSchema, type ModelTest, type ModelTestResult } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import { readModelSpec } from '#ledgers/registry/index.ts';
import type { ModelRow } from '../models/model-rows.ts';
import {
  matchesExpected,
  bodyOf,
  firstRow,
  roundingOf,
  formatValue,
  valueOf,
  withValue,
  type TestRow,
} from './test-values.ts';

/** Sends a body of `/invocations`. @throws Error if there is no result at the moment. */
export type PredictOnce = (body: string) => Promise<{ readonly status: number; readonly body: string }>;

/** Returns the tests of a registered model; an unregistered one has none. */
export async function testsOf(tx: Transaction, { name, version }: Pick<ModelRow, 'name' | 'version'>) {
  if (version === null) return [];
  const { tests } = await readModelSpec(tx, tx.projectId, name);
  return modelTestsSchema.parse(tests) ?? [];
}

export async function runModelTest(
  test: ModelTest,
  example: string | null,
  ask: PredictOnce,
): Promise<ModelTestResult> {
  const outcome = await followTest(test, example, ask);
  return { name: test.name, check: test.check, ...outcome };
}

type Outcome = Omit<ModelTestResult, 'name' | 'check'>;

async function followTest(test: ModelTest, example: string | null, ask: PredictOnce): Promise<Outcome> {
  const row = test.input ?? firstRow(example);
  if (row === undefined) {
    return {
      passed: false,
      case: 'no input',
      expected: 'an `input`, or an input example that is stored with the version',
      got: 'neither',
    };
  }
  const value = async (of: TestRow) => {
    const { status, body } = await ask(bodyOf(of));
    if (status === 200) return valueOf(body, test);
    return { problem: `${status}: ${errorIn(body)}` };
  };
  switch (test.check) {
    case 'value': {
      const got = await value(row);
      const { expected, tolerance } = test;
      const expectedText = tolerance === undefined ? formatValue(expected) : `${formatValue(expected)} ± ${tolerance}`;
      const passed = 'value' in got && matchesExpected(expected, got.value, tolerance);
      return { passed, case: formatValue(row), expected: expectedText, got: formatResult(got) };
    }
    case 'invariance':
      return await invariance(test, row, value);
    case 'direction':
      return await direction(test, row, value);
    default:
      return test satisfies never;
  }
}

type Got = { readonly value: unknown } | { readonly problem: string };
type AskValue = (row: TestRow) => Promise<Got>;

const formatResult = (got: Got) => ('problem' in got ? got.problem : formatValue(got.value));

async function invariance(
  { column, values, tolerance }: ModelTest & { check: 'invariance' },
  row: TestRow,
  ask: AskValue,
): Promise<Outcome> {
  const before = await ask(row);
  if ('problem' in before) {
    return { passed: false, case: formatValue(row), expected: 'a prediction', got: before.problem };
  }
  const expected = `${formatValue(before.value)}${tolerance === undefined ? '' : ` ± ${tolerance}`} for every value of ${column}`;
  for (const value of values) {
    const changed = withValue(row, column, value);
    if (changed === undefined) return absent(row, column);
    const got = await ask(changed);
    if (!('value' in got) || !matchesExpected(before.value, got.value, tolerance)) {
      return { passed: false, case: `${column} = ${formatValue(value)}`, expected, got: formatResult(got) };
    }
  }
  return {
    passed: true,
    case: `${column} = ${values.map(formatValue).join(', ')}`,
    expected,
    got: formatValue(before.value),
  };
}

async function direction(
  { column, values, goes, tolerance }: ModelTest & { check: 'direction' },
  row: TestRow,
  ask: AskValue,
): Promise<Outcome> {
  const expected = `goes ${goes} as ${column} increases`;
  const outputs: number[] = [];
  for (const [index, value] of values.entries()) {
    const changed = withValue(row, column, value);
    if (changed === undefined) return absent(row, column);
    const got = await ask(changed);
    if (!('value' in got) || typeof got.value !== 'number') {
      const instead = 'problem' in got ? got.problem : `${formatValue(got.value)}, which is not a number`;
      return { passed: false, case: `${column} = ${value}`, expected, got: instead };
    }
    const before = outputs.at(-1);
    outputs.push(got.value);
    if (before === undefined) continue;
    const step = goes === 'up' ? got.value - before : before - got.value;
    if (step < -(tolerance ?? roundingOf(before, got.value))) {
      const from = values[index - 1];
      return {
        passed: false,
        case: `${column} = ${from}, then ${value}`,
        expected,
        got: `${before}, then ${got.value}`,
      };
    }
  }
  // A model that ignores the column shows no direction.
  const [first = 0, last = 0] = [outputs[0], outputs.at(-1)];
  const passed = goes === 'up' ? last > first : last < first;
  return { passed, case: `${column} = ${values.join(', ')}`, expected, got: outputs.join(', ') };
}

function absent(row: TestRow, column: string | number): Outcome {
  const has = Array.isArray(row)
    ? `${row.length} ${row.length === 1 ? 'position' : 'positions'}`
    : Object.keys(row).join(', ');
  return { passed: false, case: formatValue(row), expected: `a column ${column} in the input`, got: `only ${has}` };
}

/** Returns the error message of a response of MLflow's scoring protocol. */
function errorIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { readonly message?: unknown };
    if (typeof message === 'string') return message.slice(0, 300);
  } catch {
    // Not JSON: return the text.
  }
  return body.slice(0, 300);
}

/** Returns a sentence about the first failed test; undefined if all passed. */
export function failureIn(results: readonly ModelTestResult[]): string | undefined {
  const failed = results.filter(({ passed }) => !passed);
  const [first] = failed;
  if (first === undefined) return undefined;
  const { name, case: of, expected, got } = first;
  const more = failed.length === 1 ? '' : ` ${failed.length - 1} more failed.`;
  return `The test "${name}" of the model failed for ${of}: expected ${expected}, got ${got}.${more}`;
}
