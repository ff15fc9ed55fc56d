/** Stored approvals of model versions, and whether those of a version suffice for a change. */
import { DaisError, type Actor } from '@dais/api';
import type { ApprovalDecision, ApprovalRule, ApprovalState, ModelVersion, Stage } from '@dais/api/registry';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LockedModel } from '../model-rows.ts';
import { readSpec } from '../models.ts';
import {
  actorKey,
  missingApprovals,
  missingText,
  moveText,
  rulesFor,
  type GivenApproval,
  type Move,
} from './approval-rule.ts';

/** A request for approval with its decisions. */
export interface ApprovalRow {
  readonly model: bigint;
  /** Number, unique per model. */
  readonly number: number;
  readonly version: number;
  readonly alias: string | null;
  readonly stage: Stage | null;
  readonly state: ApprovalState;
  readonly move_when_approved: boolean;
  readonly reason: string;
  readonly requested_by: Actor;
  readonly requested_at: bigint;
  /** The user who registered the version. */
  readonly created_by: Actor;
  readonly decisions: readonly ApprovalDecision[];
}

const FIELDS = `a.model, a.number, a.version, a.alias, a.stage, a.state, a.move_when_approved, a.reason, a.requested_by,
    a.requested_at, v.created_by,
    (select coalesce(json_agg(json_build_object('by', d.by, 'at', d.at, 'decision', d.decision, 'reason', d.reason,
       'teams', d.teams) order by d.seq), '[]') from registry.approval_decision d where d.model = a.model and d.approval = a.number) as decisions`;
const FROM = 'from registry.approval a join registry.version v on v.model = a.model and v.version = a.version';
const SELECT = `select ${FIELDS} ${FROM}`;
const SELECT_NAMED = `select ${FIELDS}, m.name ${FROM} join registry.model m on m.id = a.model`;

/** Returns pending and given approvals of a change: not rejected or withdrawn ones. */
export async function approvalsForMove(
  sql: Sql,
  model: bigint,
  version: number,
  move: Move,
): Promise<readonly ApprovalRow[]> {
  return await sql.query<ApprovalRow>(
    `${SELECT} where a.model = $1 and a.version = $2 and a.alias is not distinct from $3
       and a.stage is not distinct from $4 and a.state in ('pending', 'approved') order by a.number`,
    [model, version, 'alias' in move ? move.alias : null, 'stage' in move ? move.stage : null],
    'approvals_for_move',
  );
}

export async function readApproval(
  sql: Sql,
  projectId: string,
  name: string,
  number: number,
): Promise<ApprovalRow | undefined> {
  const [row] = await sql.query<ApprovalRow>(
    `${SELECT} join registry.model m on m.id = a.model where a.number = $3 and m.project_id = $1 and m.name = $2`,
    [projectId, name, number],
    'read_approval',
  );
  return row;
}

/** Newest first, below `before`. */
export async function listApprovals(
  sql: Sql,
  model: bigint,
  page: { readonly state: string | undefined; readonly before: bigint | undefined; readonly limit: number },
): Promise<readonly ApprovalRow[]> {
  return await sql.query<ApprovalRow>(
    `${SELECT} where a.model = $1 and ($2::text is null or a.state = $2) and ($3::bigint is null or a.number < $3)
     order by a.number desc limit $4`,
    [model, page.state ?? null, page.before ?? null, page.limit],
    'list_approvals',
  );
}

/** A request with the name of its model. */
export interface NamedApprovalRow extends ApprovalRow {
  readonly name: string;
}

/** A position in the list of all approvals: the last row of a page. */
export interface ApprovalPosition {
  readonly at: string;
  readonly model: string;
  readonly number: number;
}

/** Approvals of every model, newest first, after `position`. `uids`: only of these models. */
export async function listAllApprovals(
  sql: Sql,
  projectId: string,
  page: {
    readonly state: string | undefined;
    readonly position: ApprovalPosition | undefined;
    readonly uids: readonly string[] | undefined;
    readonly limit: number;
  },
): Promise<readonly NamedApprovalRow[]> {
  const { state, position, uids, limit } = page;
  return await sql.query<NamedApprovalRow>(
    `${SELECT_NAMED} where a.project_id = $1 and ($2::text is null or a.state = $2)
       and ($3::bigint is null or (a.requested_at, a.model, a.number) < ($3, $4::bigint, $5::int))
       and ($6::uuid[] is null or m.uid = any($6))
     order by a.requested_at desc, a.model desc, a.number desc limit $7`,
    [
      projectId,
      state ?? null,
      position?.at ?? null,
      position?.model ?? null,
      position?.number ?? null,
      uids ?? null,
      limit,
    ],
    'list_all_approvals',
  );
}

/** Returns given approvals of versions by lineage id. */
export async function approvedRows(
  sql: Sql,
  projectId: string,
  versions: readonly string[],
): Promise<readonly NamedApprovalRow[]> {
  return await sql.query<NamedApprovalRow>(
    `${SELECT_NAMED} where a.project_id = $1 and a.state = 'approved' and a.model || '.' || a.version = any($2::text[])
       and a.model = any($3::bigint[])`,
    [projectId, versions, [...new Set(versions.flatMap((id) => /^\d{1,18}/.exec(id)?.[0] ?? []))]],
    'approvals_upstream',
  );
}

export function moveOf({ alias, stage }: Pick<ApprovalRow, 'alias' | 'stage'>): Move {
  return alias === null ? { stage: stage ?? 'None' } : { alias };
}

/** Whether the approver registered the version or requested its approval. */
export function isOwnApproval(
  by: Actor,
  { created_by, requested_by }: Pick<ApprovalRow, 'created_by' | 'requested_by'>,
): boolean {
  return [created_by, requested_by].some((one) => actorKey(one) === actorKey(by));
}

export function approvalsIn(rows: readonly ApprovalRow[]): readonly GivenApproval[] {
  return rows.flatMap((row) =>
    row.decisions
      .filter(({ decision }) => decision === 'approve')
      .map(({ by, teams }) => ({ by, teams, own: isOwnApproval(by, row) })),
  );
}

/** Returns the current rules for a change of an alias or stage. */
export async function rulesOf(tx: Transaction, name: string, move: Move): Promise<readonly ApprovalRule[]> {
  const { approvals = [] } = (await readSpec(tx, tx.projectId, name)) as { approvals?: readonly ApprovalRule[] };
  return rulesFor(approvals, move);
}

/**
 * Checks that all required approvals of the current rules are given; returns their numbers. The caller has locked the
 * model. @throws DaisError `approval_missing` naming the missing approvals.
 */
export async function requireApproval(
  tx: Transaction,
  model: LockedModel,
  { version }: ModelVersion,
  move: Move,
): Promise<readonly number[]> {
  const rules = await rulesOf(tx, model.name, move);
  if (rules.length === 0) return [];
  const rows = await approvalsForMove(tx.sql, model.id, version, move);
  const missing = missingApprovals(rules, approvalsIn(rows));
  if (missing.length === 0) return rows.map(({ number }) => number);
  const pending = rows.find(({ state }) => state === 'pending');
  const next =
    pending === undefined
      ? 'Request an approval on the page of the version, or with the operation modelApproval.request.'
      : `Approval ${pending.number} is pending.`;
  throw new DaisError(
    'approval_missing',
    `Version ${version} of Model "${model.name}" needs approval for the ${moveText(move)} by ${missingText(missing)}. ${next}`,
  );
}
