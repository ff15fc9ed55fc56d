import { DaisError, type Issue } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { addPairs, type Pairs } from './pairs.ts';
import { truncateText, LONGEST } from './texts.ts';

export interface Pair {
  readonly key: string;
  readonly value: string;
}

/**
 * Adds parameters to a run or a logged model. An equal value changes nothing. @throws DaisError `invalid_request` for a
 * duplicate key, `immutable_field` for a different value than the stored one: `issues` have its `path` and the stored value
 * (`expected`).
 */
export async function addParams(
  tx: Transaction,
  table: 'param' | 'logged_model_param',
  owner: bigint,
  params: readonly Pair[],
): Promise<void> {
  const wanted = distinct(params);
  const known = await addPairs(tx, table, owner, wanted);
  const issues = params.flatMap(({ key }, index) => {
    const there = known.get(key);
    if (there === undefined || there === wanted.get(key)) return [];
    return [{ path: `params[${index}].value`, message: `"${key}" already has another value`, expected: there }];
  });
  if (issues.length === 0) return;
  throw new DaisError('immutable_field', 'Parameters are immutable. Log the value under another key.', { issues });
}

/** @throws DaisError `invalid_request`. */
function distinct(params: readonly Pair[]): Pairs {
  const wanted = new Map<string, string>();
  const issues: Issue[] = [];
  for (const [index, { key, value }] of params.entries()) {
    if (wanted.has(key)) issues.push({ path: `params[${index}].key`, message: `"${key}" is duplicated` });
    wanted.set(key, truncateText(value, LONGEST.param));
  }
  if (issues.length === 0) return wanted;
  throw new DaisError('invalid_request', 'A parameter has only one value. Send each key once.', { issues });
}
