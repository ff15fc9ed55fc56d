/** Which records a report reads: of one project, of all projects, or of one person in all projects. */
import { DaisError } from '@dais/api';
import type { UsageGroup } from '@dais/api/usage';
import type { Transaction } from '#kernel/transaction.ts';
import { type Bind } from '#lib/composed-sql.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** Longest period of a report. */
const MOST_DAYS = 3660;

export interface UsageFilter {
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly type?: string | undefined;
  readonly person?: string | undefined;
  readonly resource?: string | undefined;
  readonly team?: string | undefined;
  readonly project?: string | undefined;
}

/** The records of a person. */
interface OwnUsage {
  /** Undefined: the platform itself, which is no person. */
  readonly person: string | undefined;
  /** The project that the token of the caller is bound to, if it is. */
  readonly within: string | undefined;
}

/** Whose records are read. */
export type UsageScope = { readonly projectId: string } | OwnUsage | 'all';

/** A report over records: the filter of the caller in a period. */
export interface UsageQuery {
  readonly scope: UsageScope;
  readonly filter: UsageFilter;
  readonly from: Date;
  readonly until: Date;
}

/** @throws DaisError `invalid_request` for a period that is empty or too long. */
export function usageQuery(scope: UsageScope, filter: UsageFilter, now: number): UsageQuery {
  const until = filter.until === undefined ? new Date(now) : new Date(filter.until);
  const from = filter.from === undefined ? new Date(until.getTime() - DEFAULT_DAYS * DAY_MS) : new Date(filter.from);
  if (from >= until) {
    throw new DaisError('invalid_request', 'The period is empty: `from` must be before `until`.');
  }
  if (until.getTime() - from.getTime() > MOST_DAYS * DAY_MS) {
    throw new DaisError('invalid_request', `The period is longer than ${MOST_DAYS} days. Use a shorter one.`);
  }
  return { scope, filter, from, until };
}

/** Gives the transaction access to the rows of the scope. The operation has authorized that. */
export async function enterScope(tx: Transaction, scope: UsageScope): Promise<void> {
  await tx.enter(scope !== 'all' && 'projectId' in scope ? scope.projectId : 'all');
}

/** Conditions on records `r` that overlap the period. */
export function usageConditions(
  { scope, filter, from, until }: UsageQuery,
  bind: Bind,
): readonly (string | false | undefined)[] {
  return [
    `r.ended_at >= ${bind(from)}::timestamptz`,
    `r.started_at < ${bind(until)}::timestamptz`,
    scope !== 'all' && 'projectId' in scope && `r.project_id = ${bind(scope.projectId)}::uuid`,
    // No record has an empty name.
    scope !== 'all' && 'person' in scope && `r.person = ${bind(scope.person ?? '')}`,
    scope !== 'all' && 'within' in scope && scope.within !== undefined && `r.project = ${bind(scope.within)}`,
    filter.type !== undefined && `r.type = ${bind(filter.type)}`,
    filter.person !== undefined && `r.person = ${bind(filter.person)}`,
    filter.resource !== undefined && `r.resource = ${bind(filter.resource)}`,
    filter.team !== undefined && `r.team = ${bind(filter.team)}`,
    filter.project !== undefined && `r.project = ${bind(filter.project)}`,
  ];
}

const GROUPS: Readonly<Record<UsageGroup, string>> = {
  project: 'r.project',
  team: 'r.team',
  person: 'r.person',
  resource: 'r.resource',
  node: 'r.node',
  type: 'r.type',
};

/**
 * Returns the column of a group.
 *
 * @checkedAs r.team
 */
export function groupColumn(by: UsageGroup): string {
  return GROUPS[by];
}
