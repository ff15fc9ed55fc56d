/** For tests: a simple reference implementation of filters and orders on plain objects. */
import type { FilterClause, OrderKey } from '@dais/api/filter';

export interface PlainRun {
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly status: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly uri: string;
  readonly deleted: boolean;
  readonly metrics: ReadonlyMap<string, number>;
  readonly params: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  readonly datasets: readonly {
    readonly name: string;
    readonly digest: string;
    readonly context: string | undefined;
  }[];
}

type Value = string | number | undefined;

export function passes(run: PlainRun, clauses: readonly FilterClause[]): boolean {
  return clauses.every((clause) => {
    if (clause.family === 'dataset') {
      return run.datasets.some((dataset) => compares(dataset[clause.key as 'name'], clause));
    }
    return compares(valueOf(run, clause), clause);
  });
}

export function inOrder(runs: readonly PlainRun[], order: readonly OrderKey[]): PlainRun[] {
  return runs.toSorted((a, b) => {
    for (const key of order) {
      const result = compareValues(valueOf(a, key), valueOf(b, key), key.ascending);
      if (result !== 0) return result;
    }
    return b.startedAt - a.startedAt || compareTexts(a.id, b.id);
  });
}

function valueOf(run: PlainRun, { family, key }: { readonly family: string; readonly key: string }): Value {
  if (family === 'metric') return run.metrics.get(key);
  if (family === 'parameter') return run.params.get(key);
  if (family === 'tag') return run.tags.get(key);
  const attributes: Record<string, Value> = {
    run_id: run.id,
    run_name: run.name,
    user_id: run.user,
    status: run.status,
    start_time: run.startedAt,
    end_time: run.endedAt,
    artifact_uri: run.uri,
  };
  return attributes[key];
}

function compares(value: Value, { operator, value: expected }: FilterClause): boolean {
  if (operator === 'IS NULL') return value === undefined;
  if (operator === 'IS NOT NULL') return value !== undefined;
  if (value === undefined || expected === undefined) return false;
  const tests: Record<string, () => boolean> = {
    '=': () => value === expected,
    '!=': () => value !== expected,
    '<': () => value < expected,
    '<=': () => value <= expected,
    '>': () => value > expected,
    '>=': () => value >= expected,
    LIKE: () => like(String(value), String(expected), ''),
    ILIKE: () => like(String(value), String(expected), 'i'),
    IN: () => (expected as readonly string[]).includes(String(value)),
    'NOT IN': () => !(expected as readonly string[]).includes(String(value)),
  };
  return tests[operator]?.() ?? false;
}

function like(value: string, pattern: string, flags: string): boolean {
  const source = Array.from(
    pattern,
    (one) => ({ '%': '.*', _: '.' })[one] ?? one.replaceAll(/[^\p{L}\p{N}\s]/gu, String.raw`\$&`),
  );
  return new RegExp(`^${source.join('')}$`, `${flags}su`).test(value);
}

/** Numbers, then NaN, then missing values, in both directions. */
function compareValues(a: Value, b: Value, ascending: boolean): number {
  const rank = (value: Value) => (value === undefined ? 2 : Number.isNaN(value) ? 1 : 0);
  if (rank(a) !== rank(b) || rank(a) > 0) return rank(a) - rank(b);
  const result = typeof a === 'number' ? a - (b as number) : compareTexts(a as string, b as string);
  return ascending ? result : -result;
}

function compareTexts(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
