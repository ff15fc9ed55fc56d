/** Drift compared with another version, and skew between training and serving. */
import type { CheckFinding, DataColumn, Distance } from '@dais/api/data';
import { familyOf } from '../column-values.ts';
import {
  findColumn,
  otherVersion,
  pickColumns,
  type Check,
  type CheckContext,
  type OtherVersion,
} from './check-context.ts';
import { compare, type Comparison, type Side } from './distribution.ts';

export interface Distances {
  readonly columns?: readonly string[] | undefined;
  readonly metric: Distance;
  readonly atMost: number;
}

/** Returns the named columns; without names, all except keys, times and lists. */
export function comparedColumns(context: CheckContext, { columns }: Distances, without: readonly string[] = []) {
  if (columns !== undefined) return pickColumns(context, columns);
  const left = new Set([...context.keys, ...without]);
  const found = context.columns.filter(
    (of) => !left.has(of.name) && ['number', 'boolean', 'text'].includes(familyOf(of)),
  );
  return { found, missing: [] };
}

async function distancesTo(
  context: CheckContext,
  expectation: Distances & { readonly where?: string | undefined },
  other: OtherVersion,
  more: Pick<Comparison, 'anomaly'> = {},
) {
  const { metric, atMost, where } = expectation;
  const { found, missing } = comparedColumns(context, expectation);
  const reference: Side = { rows: { table: other.table, where } };
  const current: Side = { rows: { table: 'data', where } };
  const findings = await Promise.all(
    found.map(async (of): Promise<CheckFinding | undefined> => {
      const existing = findColumn(other.columns, of.name);
      if (existing === undefined || familyOf(existing) !== familyOf(of))
        return notComparable(of, existing, other.name, expectation);
      const comparison = { column: of, metric, atMost, against: other.name, ...more };
      return await compare(context.queries, comparison, reference, current, expectation.columns !== undefined);
    }),
  );
  return { findings: [...missing, ...findings.filter((one) => one !== undefined)] };
}

/** Returns no finding for new columns, which the expectation `schema` covers, unless they are named. */
function notComparable(
  of: DataColumn,
  existing: DataColumn | undefined,
  other: string,
  { columns, metric, atMost }: Distances,
) {
  if (columns === undefined) return undefined;
  const observed =
    existing === undefined ? `${other} has no such column` : `${of.type} in this version, ${existing.type} in ${other}`;
  const allowed = `${metric} to ${other} at most ${atMost}`;
  return { column: of.name, anomaly: 'COMPARATOR_CONTROL_DATA_MISSING' as const, observed, allowed };
}

export const drift: Check<'drift'> = async (expectation, context) => {
  if (expectation.against !== 'previous') {
    return await distancesTo(context, expectation, otherVersion(context, expectation.against));
  }
  if (context.before === undefined) {
    return { findings: [{ observed: 'first version', allowed: 'any: there is no previous version' }] };
  }
  return await distancesTo(context, expectation, context.before);
};

export const servingSkew: Check<'servingSkew'> = async (expectation, context) =>
  await distancesTo(context, expectation, otherVersion(context, expectation.serving), {
    anomaly: 'SKEW_TRAINING_SERVING',
  });
