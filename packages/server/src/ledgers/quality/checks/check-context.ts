/** What a check is given, and what it says. */
import type { CheckFinding, DataColumn, Expectation, ExpectationOf, ExpectationType } from '@dais/api/data';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Asking } from './asking.ts';

/** Another version whose rows a check looks at. */
export interface OtherVersion {
  /** Name of its table in the job. */
  readonly table: string;
  /** `flights@12`. */
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
  /** The schema that the dataset is pinned to. */
  readonly pinned?: readonly Pick<DataColumn, 'name' | 'type'>[] | undefined;
  /** The version before that is ready; undefined for the first. */
  readonly before?: OtherVersion | undefined;
  /** By name, as expectations write it. */
  readonly others: ReadonlyMap<string, OtherVersion>;
  readonly asking: Asking;
  /** Told of what is no fault of the expectation, the data or the engine. */
  readonly unexpected: (error: unknown) => void;
}

export interface Verdict {
  /** One for each thing that was looked at. Those with an anomaly break the expectation. */
  readonly findings: readonly CheckFinding[];
  /** Rows that break it. */
  readonly offending?: Relation | undefined;
  /** How many those are. */
  readonly total?: number | undefined;
  /** The columns that matter are shown first. */
  readonly show?: readonly string[] | undefined;
}

/** One type of expectation. @throws CheckFault, QueryError: it cannot be told, which counts as broken. */
export type Check<Type extends ExpectationType> = (
  expectation: ExpectationOf<Type>,
  context: CheckContext,
) => Promise<Verdict>;

export type AnyCheck = (expectation: Expectation, context: CheckContext) => Promise<Verdict>;

/** What a person can put right in the expectation. */
export class CheckFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CheckFault';
  }
}

export function findColumn(columns: readonly DataColumn[], name: string): DataColumn | undefined {
  return columns.find((one) => one.name === name);
}

/** What stands in for a check of a column that is not there. */
export function missingColumn(name: string): CheckFinding {
  return {
    column: name,
    anomaly: 'SCHEMA_MISSING_COLUMN',
    observed: 'no such column',
    allowed: 'a column of this name',
  };
}

/** Splits names into columns that are there and findings for those that are not. */
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

/** @throws CheckFault when neither the expectation nor the dataset names it. */
export function named(given: string | undefined, fallback: string | undefined, what: string, field: string): string {
  const name = given ?? fallback;
  if (name !== undefined) return name;
  throw new CheckFault(
    `The expectation has no \`${field}\`, and the dataset has no \`spec.${what}\`. Set one of them.`,
  );
}

/** @throws CheckFault */
export function otherVersion({ others }: CheckContext, name: string): OtherVersion {
  const found = others.get(name);
  if (found === undefined) throw new CheckFault(`Version ${name} does not exist, or its rows cannot be read.`);
  return found;
}
