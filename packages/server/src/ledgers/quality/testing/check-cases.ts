/** Rows of a fixed shape, and the results of expectations on them. */
import { expectationSchema, type Expectation, type ExpectationResult } from '@dais/api/data';
import { runChecks } from '../checks/run-checks.ts';
import { contextOf, type ContextOptions, type QueryWorld, type TestTable } from './query-world.ts';

export const columns = [
  { name: 'id', type: 'int64', nullable: true },
  { name: 'n', type: 'int32', nullable: true },
  { name: 'x', type: 'float64', nullable: true },
  { name: 'word', type: 'string', nullable: true },
  { name: 'split', type: 'string', nullable: true },
  { name: 'label', type: 'string', nullable: true },
  { name: 'at', type: 'timestamp', nullable: true },
] as const;

export const DAY = 86_400_000;
export const START = Date.UTC(2026, 0, 1);
export const moment = (day: number) => new Date(START + day * DAY).toISOString();

export function given(expectation: Record<string, unknown>): Expectation {
  return expectationSchema.parse(expectation);
}

export async function resultOf(
  world: QueryWorld,
  expectation: Record<string, unknown>,
  table: TestTable,
  options: ContextOptions = {},
): Promise<ExpectationResult> {
  const [result] = await runChecks([given(expectation)], contextOf(world, table, options));
  if (result === undefined) throw new Error('no result');
  return result;
}

/** Returns counts and outcome of the first finding. @throws Error if the check had an error */
export async function firstResult(
  world: QueryWorld,
  expectation: Record<string, unknown>,
  table: TestTable,
  options: ContextOptions = {},
) {
  const { outcome, findings, message } = await resultOf(world, expectation, table, options);
  if (message !== undefined) throw new Error(message);
  return { outcome, rows: findings[0]?.rows, broken: findings[0]?.broken, value: findings[0]?.value };
}
