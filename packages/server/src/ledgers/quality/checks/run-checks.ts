/** Runs all expectations of one version and returns their results, failed ones first. */
import { DaisError } from '@dais/api';
import {
  expectationNames,
  MOST_FINDINGS,
  MOST_SAMPLE_ROWS,
  type CheckFinding,
  type ExpectationResult,
  type Expectation,
  type ExpectationType,
  type RowSample,
  type SampleCell,
} from '@dais/api/data';
import type { Cell, StatementResult } from '#engines/query/contract.ts';
import { ExpectationError, type AnyCheck, type Check, type CheckContext, type Result } from './check-context.ts';
import { drift, servingSkew } from './distribution-checks.ts';
import { duplicates, reference, unique } from './key-checks.ts';
import { balance, classes, labelConflict } from './label-checks.ts';
import { leakage } from './leak-checks.ts';
import { completeness, domain, finite, futureTime, length, parses, pattern, presence, range } from './row-checks.ts';
import { columnType, schema, sql, distinct, freshness, rowCount, rowCountChange, statistic } from './table-checks.ts';
import { splitOverlap, splitSkew, splitTime } from './split-checks.ts';

const checks: { readonly [Type in ExpectationType]: Check<Type> } = {
  schema,
  presence,
  completeness,
  columnType,
  parses,
  domain,
  range,
  finite,
  pattern,
  length,
  unique,
  distinct,
  reference,
  freshness,
  rowCount,
  rowCountChange,
  statistic,
  balance,
  classes,
  labelConflict,
  leakage,
  futureTime,
  duplicates,
  splitOverlap,
  splitTime,
  splitSkew,
  drift,
  servingSkew,
  sql,
};

/**
 * Runs every expectation. A check that cannot run (a column of the wrong type, invalid SQL) is an `error` of that
 * expectation only.
 * @throws a retryable DaisError, after which nothing is decided, or the reason of the signal
 */
export async function runChecks(
  expectations: readonly Expectation[],
  context: CheckContext,
  signal?: AbortSignal,
): Promise<readonly ExpectationResult[]> {
  const names = expectationNames(expectations);
  const results = await Promise.all(
    expectations.map(
      async (expectation, i) => await runOne(expectation, names[i] ?? expectation.type, context, signal),
    ),
  );
  return results.toSorted((a, b) => rank(a) - rank(b));
}

/** Sorts blocking failures first, then warnings, then passed expectations, each in the order of the list. */
function rank({ outcome, severity }: ExpectationResult): number {
  if (outcome === 'passed') return 2;
  return severity === 'block' ? 0 : 1;
}

async function runOne(
  expectation: Expectation,
  name: string,
  context: CheckContext,
  signal: AbortSignal | undefined,
): Promise<ExpectationResult> {
  const { type, severity, description } = expectation;
  const about = { name, type, severity, ...(description !== undefined && { description }) };
  try {
    const result = await (checks[type] as unknown as AnyCheck)(expectation, context);
    const broken = result.findings.filter(({ anomaly }) => anomaly !== undefined);
    const findings: CheckFinding[] = [...broken, ...result.findings.filter(({ anomaly }) => anomaly === undefined)];
    const outcome = broken.length > 0 ? 'failed' : 'passed';
    const more = findings.length - MOST_FINDINGS;
    return {
      ...about,
      outcome,
      findings: findings.slice(0, MOST_FINDINGS),
      ...(more > 0 && { more }),
      ...(outcome === 'failed' && (await offendingRows(result, context))),
    };
  } catch (error) {
    if (signal?.aborted === true || (error instanceof DaisError && error.retryable)) throw error;
    // An internal error is reported as an error of the expectation, never as passed.
    return { ...about, outcome: 'error', findings: [], message: messageOf(error, context) };
  }
}

function messageOf(error: unknown, { unexpected }: CheckContext): string {
  if (error instanceof ExpectationError || error instanceof DaisError) return error.message;
  unexpected(error);
  return 'The check failed with an internal error. The server log contains the reason.';
}

async function offendingRows({ offending, show = [], total = 0 }: Result, { queries }: CheckContext) {
  if (offending === undefined) return {};
  const limited = { type: 'limit', from: offending, count: MOST_SAMPLE_ROWS } as const;
  const result = await queries.rows(limited, MOST_SAMPLE_ROWS);
  return { sample: sampleOf(result, show, total) };
}

/** Orders the columns of a sample, relevant ones first. */
const MAX_COLUMNS = 50;
const MAX_TEXT = 200;

function sampleOf({ columns, rows }: StatementResult, show: readonly string[], total: number): RowSample {
  const names = columns.map(({ name }) => name);
  const first = show.filter((name) => names.includes(name));
  const order = [...new Set([...first, ...names])].slice(0, MAX_COLUMNS);
  const positions = order.map((name) => names.indexOf(name));
  return {
    columns: order,
    rows: rows.slice(0, MOST_SAMPLE_ROWS).map((row) => positions.map((index) => shownCell(row[index] ?? null))),
    total: Math.max(total, rows.length),
    masked: [],
  };
}

function shownCell(cell: Cell): SampleCell {
  if (cell === null || typeof cell === 'number' || typeof cell === 'boolean') return cell;
  const text = typeof cell === 'string' ? cell : JSON.stringify(cell);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
