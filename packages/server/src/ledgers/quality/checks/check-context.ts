/** The input and result of a check. */
import type { CheckFinding, DataColumn, Expectation, ExpectationOf, ExpectationType } from '@dais/api/data';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { CheckQueries } from './check-queries.ts';

/** Another version whose rows a check reads. */
export interface OtherVersion {
  /** The name of its table in the query. */
  readonly table: string;
  /** The name of the version, as `flights@12`. */
  readonly name: string;
  readonly columns: readonly DataColumn[];
  readonly rows: number;
}

export interface CheckContext {
  readonly columns: readonly DataColumn[];
  readonly rows: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly keys: readonly string[];
  readonly eventTime?: string | undefined;
  readonly label?: string | undefined;
  /** The pinned schema of the dataset. */
  readonly pinned?: readonly Pick<DataColumn, 'name' | 'type'>[] | undefined;
  /** The previous ready version; undefined for the first. */
  readonly before?: OtherVersion | undefined;
  /** By the name in the expectation. */
  readonly others: ReadonlyMap<string, OtherVersion>;
  readonly queries: CheckQueries;
  /** Reports an error that neither the expectation nor the data nor the engine caused. */
  readonly unexpected: (error: unknown) => void;
}

export interface Result {
  /** One finding per checked item. Findings with an anomaly fail the expectation. */
  readonly findings: readonly CheckFinding[];
  /** The rows that violate the expectation. */
  readonly offending?: Relation | undefined;
  /** Number of those rows. */
  readonly total?: number | undefined;
  /** Columns to show first. */
  readonly show?: readonly string[] | undefined;
}

/** A check for one type of expectation. @throws ExpectationError, QueryError: the result is unknown, which counts as failed. */
export type Check<Type extends ExpectationType> = (
  expectation: ExpectationOf<Type>,
  context: CheckContext,
) => Promise<Result>;

export type AnyCheck = (expectation: Expectation, context: CheckContext) => Promise<Result>;

/** An error in the expectation, which its author can fix. */
export class ExpectationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExpectationError';
  }
}

export function findColumn(columns: readonly DataColumn[], name: string): DataColumn | undefined {
  return columns.find((one) => one.name === name);
}

/** Returns the finding for a missing column. */
export function missingColumn(name: string): CheckFinding {
  return {
    column: name,
    anomaly: 'SCHEMA_MISSING_COLUMN',
    observed: 'no such column',
    allowed: 'a column of this name',
  };
}

/** Splits names into existing columns, and findings for missing ones. */
export function pickColumns(context: CheckContext, names: readonly string[]) {
  const found: DataColumn[] = [];
  const missing: CheckFinding[] = [];
  for (const name of names) {
    const column = findColumn(context.columns, name);
    if (column === undefined) missing.push(missingColumn(name));
    else found.push(column);
  }
  return { found, missing };
}

/** Returns the name from the expectation, else from the dataset. @throws ExpectationError if neither has one */
export function named(given: string | undefined, fallback: string | undefined, what: string, field: string): string {
  const name = given ?? fallback;
  if (name !== undefined) return name;
  throw new ExpectationError(
    `The expectation has no \`${field}\`, and the dataset has no \`spec.${what}\`. Set one of them.`,
  );
}

/** @throws ExpectationError */
export function otherVersion({ others }: CheckContext, name: string): OtherVersion {
  const found = others.get(name);
  if (found === undefined) throw new ExpectationError(`Version ${name} does not exist, or its rows cannot be read.`);
  return found;
}
