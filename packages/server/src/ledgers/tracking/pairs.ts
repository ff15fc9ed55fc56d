/** Rows of key-value pairs: parameters and tags. Uses a fixed number of statements, in the order of the keys. */
import { DaisError, type Issue } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { ACTIVE_RUN } from './runs/run-lookup.ts';
import { columns, LONGEST, truncateText } from './texts.ts';

/** Tables with their owner columns. */
const OWNERS = {
  experiment_tag: 'experiment',
  param: 'run',
  tag: 'run',
  logged_model_param: 'model',
  logged_model_tag: 'model',
  evaluation_dataset_tag: 'dataset',
} as const;
type PairTable = keyof typeof OWNERS;

export type Pairs = ReadonlyMap<string, string>;

const insert = (table: PairTable) => {
  const owner = OWNERS[table];
  // Rows of runs have an experiment column for searches.
  const [column, value] =
    owner === 'run' ? ['experiment, ', '(select experiment from tracking.run where num = $1), '] : ['', ''];
  return `insert into tracking.${table} (${owner}, ${column}key, project_id, value)
   select $1, ${value}key, $2, value from unnest($3::text[], $4::text[]) t (key, value) on conflict (${owner}, key)`;
};

/** Sets or replaces pairs. */
export function setPairs({ sql, projectId }: Transaction, table: PairTable, owner: bigint, pairs: Pairs): void {
  if (pairs.size === 0) return;
  sql.defer(
    `${insert(table)} do update set value = excluded.value where ${table}.value <> excluded.value`,
    [owner, projectId, ...columns(pairs)],
    `set_${table}`,
  );
}

/** Adds missing pairs. If some exist, returns all of these keys with their stored values. */
async function addPairs(
  { sql, projectId }: Transaction,
  table: PairTable,
  owner: bigint,
  pairs: Pairs,
): Promise<Pairs> {
  if (pairs.size === 0) return pairs;
  const [keys, values] = columns(pairs);
  const added = await sql.query(
    `${insert(table)} do nothing returning 1`,
    [owner, projectId, keys, values],
    `add_${table}`,
  );
  if (added.length === pairs.size) return pairs;
  const known = await sql.query<{ key: string; value: string }>(
    `select key, value from tracking.${table} where ${OWNERS[table]} = $1 and key = any($2)`,
    [owner, keys],
    `known_${table}`,
  );
  return new Map(known.map(({ key, value }) => [key, value]));
}

/** Removes pairs, and returns the keys that existed. */
export async function removePairs(
  { sql }: Transaction,
  table: PairTable,
  owner: bigint,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const gone = await sql.query<{ key: string }>(
    `delete from tracking.${table} where ${OWNERS[table]} = $1 and key = any($2) returning key`,
    [owner, keys],
    `remove_${table}`,
  );
  return new Set(gone.map(({ key }) => key));
}

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
  const unique = distinct(params);
  const known = await addPairs(tx, table, owner, unique);
  const issues = params.flatMap(({ key }, index) => {
    const there = known.get(key);
    if (there === undefined || there === unique.get(key)) return [];
    return [{ path: `params[${index}].value`, message: `"${key}" already has another value`, expected: there }];
  });
  if (issues.length === 0) return;
  throw new DaisError('immutable_field', 'Parameters are immutable. Log the value under another key.', { issues });
}

/**
 * Adds parameters to a run in the round trip of the commit, expecting that the run accepts writes and that no key has a different
 * value. Otherwise the transaction is rolled back, and the call is repeated with `addParams`. @throws DaisError
 * `invalid_request` for a duplicate key.
 */
export function addParamsAhead({ sql, projectId }: Transaction, run: string, params: readonly Pair[]): void {
  if (params.length === 0) return;
  const [keys, values] = columns(distinct(params));
  // The second count is only computed when some keys exist.
  sql.defer(
    `with ${ACTIVE_RUN}, added as (
       insert into tracking.param (run, experiment, key, project_id, value)
       select run.num, run.experiment, t.key, $1, t.value from run, unnest($3::text[], $4::text[]) t (key, value)
       on conflict (run, key) do nothing returning 1
     )
     select tracking.require_expected(case when count(*) = $5::int then true else count(*) + (
       select count(*) from run, unnest($3::text[], $4::text[]) t (key, value)
       join tracking.param p using (key, value) where p.run = run.num
     ) = $5::int end) from added`,
    [projectId, run, keys, values, keys.length],
    'add_param_ahead',
  );
}

/**
 * Sets or replaces tags of a run in the round trip of the commit, expecting that the run accepts writes. Otherwise the transaction
 * is rolled back, and the call is repeated with `setPairs`.
 */
export function setTagsAhead({ sql, projectId }: Transaction, run: string, tags: Pairs): void {
  if (tags.size === 0) return;
  sql.defer(
    `with ${ACTIVE_RUN}, written as (
       insert into tracking.tag (run, experiment, key, project_id, value)
       select run.num, run.experiment, t.key, $1, t.value from run, unnest($3::text[], $4::text[]) t (key, value)
       on conflict (run, key) do update set value = excluded.value where tag.value <> excluded.value
     )
     select tracking.require_expected(count(*) = 1) from run`,
    [projectId, run, ...columns(tags)],
    'set_tag_ahead',
  );
}

/** @throws DaisError `invalid_request`. */
function distinct(params: readonly Pair[]): Pairs {
  const unique = new Map<string, string>();
  const issues: Issue[] = [];
  for (const [index, { key, value }] of params.entries()) {
    if (unique.has(key)) issues.push({ path: `params[${index}].key`, message: `"${key}" is duplicated` });
    unique.set(key, truncateText(value, LONGEST.param));
  }
  if (issues.length === 0) return unique;
  throw new DaisError('invalid_request', 'A parameter has only one value. Send each key once.', { issues });
}
