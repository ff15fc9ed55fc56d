import { DaisError, eventTypes } from '@dais/api';
import type {
  Approval,
  ApprovalRule,
  ApprovalState,
  approveOperation,
  listAllApprovalsOperation,
  listApprovalsOperation,
  readApprovalOperation,
  rejectOperation,
  requestApprovalOperation,
  Stage,
  withdrawApprovalOperation,
} from '@dais/api/registry';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import {
  rulesOf,
  approvalsForMove,
  approvalsIn,
  isOwnApproval,
  listAllApprovals,
  listApprovals,
  moveOf,
  readApproval,
  type ApprovalPosition,
  type ApprovalRow,
} from './approval-rows.ts';
import { actorKey, missingApprovals, missingText, moveText, eligibilityOf, type Move } from './approval-rule.ts';
import { lockModel, readVersion, type LockedModel } from '../model-rows.ts';
import { moveAlias, moveStage } from '../moves.ts';
import type { RegistryDependencies } from '../registry-dependencies.ts';
import { visibleModels } from '../search.ts';
import { emitAbout } from '../tags.ts';
import type { VersionInput } from '../versions/versions.ts';

interface RequestInput extends VersionInput {
  readonly alias?: string;
  readonly stage?: Stage;
  readonly reason: string;
  readonly moveWhenApproved: boolean;
}

/** @throws DaisError `invalid_request`, `invalid_state` if no rule applies, `already_exists`, `not_found`. */
export async function requestApproval(
  tx: Transaction,
  { input, tenant, context }: CallOf<typeof requestApprovalOperation>,
  dependencies: RegistryDependencies,
): Promise<Approval> {
  const move = requestedMove(input);
  const model = await lockModel(tx.sql, tenant.id, input.name);
  const { version } = await readVersion(tx.sql, tenant.id, input.name, Number(input.version));
  const rules = await rulesOf(tx, input.name, move);
  if (rules.length === 0) {
    const detail = `Model "${input.name}" has no approval rule for the ${moveText(move)}, so no approval is needed.`;
    throw new DaisError('invalid_state', detail);
  }
  const pending = (await approvalsForMove(tx.sql, model.id, version, move)).find(({ state }) => state === 'pending');
  if (pending !== undefined) {
    throw new DaisError('already_exists', `Approval ${pending.number} is already pending for this change.`);
  }
  const { type, id } = context.principal;
  const [made] = await tx.sql.query<{ number: number }>(
    `insert into registry.approval (project_id, model, number, version, alias, stage, state, move_when_approved, reason,
       requested_by, requested_at)
     select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, 'pending', $6, $7, $8, $9
     from registry.approval where model = $2 returning number`,
    [
      tenant.id,
      model.id,
      version,
      input.alias ?? null,
      input.stage ?? null,
      input.moveWhenApproved,
      input.reason,
      JSON.stringify({ type, id }),
      dependencies.now(),
    ],
    'insert_approval',
  );
  const number = made?.number ?? 0;
  emitAbout(tx, model, eventTypes.approvalRequested, { approval: number, version, ...move, reason: input.reason });
  return await presentOne(tx, input.name, number);
}

function requestedMove({ alias, stage }: RequestInput): Move {
  if (alias !== undefined && stage === undefined) return { alias };
  if (stage !== undefined && alias === undefined) return { stage };
  throw new DaisError('invalid_request', 'An approval needs either an alias or a stage.', {
    issues: [{ path: 'alias', message: 'and `stage` are both given, or neither', expected: 'exactly one of the two' }],
  });
}

export async function listModelApprovals(
  tx: Transaction,
  { input, tenant }: CallOf<typeof listApprovalsOperation>,
): Promise<{ items: readonly Approval[]; nextCursor?: string }> {
  const { name, state, limit, cursor } = input;
  const [model] = await tx.sql.query<{ id: bigint }>(
    'select id from registry.model where project_id = $1 and name = $2',
    [tenant.id, name],
    'model_id',
  );
  if (model === undefined) throw new DaisError('not_found', `There is no Model "${name}".`);
  const filter = [tenant.id, String(model.id), state ?? ''];
  const before = decodeNumberCursor(filter, cursor);
  const rows = await listApprovals(tx.sql, model.id, { state, before, limit: limit + 1 });
  const { page, next } = cutPage(rows, limit, filter, (row) => String(row.number));
  const items = [];
  for (const row of page) items.push(await present(tx, name, row));
  return { items, ...next };
}

/** @throws DaisError `invalid_cursor`. */
export async function listApprovalsOfAll(
  tx: Transaction,
  { input, tenant, rows: visible }: CallOf<typeof listAllApprovalsOperation>,
): Promise<{ items: readonly Approval[]; nextCursor?: string }> {
  const { state, limit, cursor } = input;
  const filter = [tenant.id, 'all', state ?? ''];
  const position = approvalPosition(decodePageCursor(filter, cursor));
  const uids = visible === undefined ? undefined : await visibleModels(tx, tenant.id, visible);
  const rows = await listAllApprovals(tx.sql, tenant.id, { state, position, uids, limit: limit + 1 });
  const { page, next } = cutPage(rows, limit, filter, (row) =>
    [row.requested_at, row.model, row.number].map(String).join(' '),
  );
  const items = [];
  for (const row of page) items.push(await present(tx, row.name, row));
  return { items, ...next };
}

/** @throws DaisError `invalid_cursor` for a malformed position. */
function approvalPosition(text: string | undefined): ApprovalPosition | undefined {
  if (text === undefined) return undefined;
  const [, at, model, number] = /^(\d{1,18}) (\d{1,18}) (\d{1,9})$/.exec(text) ?? [];
  if (at === undefined || model === undefined) {
    throw new DaisError('invalid_cursor', 'The cursor is not from this list.');
  }
  return { at, model, number: Number(number) };
}

export async function readModelApproval(
  tx: Transaction,
  { input }: CallOf<typeof readApprovalOperation>,
): Promise<Approval> {
  return await presentOne(tx, input.name, Number(input.number));
}

/** @throws DaisError `forbidden` for other users, `invalid_state` for an ended approval. */
export async function approve(
  tx: Transaction,
  call: CallOf<typeof approveOperation>,
  dependencies: RegistryDependencies,
): Promise<Approval> {
  const { input, context } = call;
  const { model, row } = await lockApproval(tx, call);
  const hasDecided = row.decisions.some(({ by }) => actorKey(by) === actorKey(context.principal));
  if (hasDecided && row.state !== 'rejected' && row.state !== 'withdrawn') return await present(tx, input.name, row);
  requirePending(row);
  const move = moveOf(row);
  const rules = await rulesOf(tx, input.name, move);
  await decide(tx, call, dependencies, { row, rules, decision: 'approve' });
  const rows = await approvalsForMove(tx.sql, model.id, row.version, move);
  const complete = missingApprovals(rules, approvalsIn(rows)).length === 0;
  const about = { approval: row.number, version: row.version, ...move };
  emitAbout(tx, model, eventTypes.approvalGiven, { ...about, reason: input.reason, complete });
  if (complete)
    await finish(tx, model, { row, move, approvals: rows.map(({ number }) => number), now: dependencies.now() });
  return await presentOne(tx, input.name, Number(input.number));
}

export async function reject(
  tx: Transaction,
  call: CallOf<typeof rejectOperation>,
  dependencies: RegistryDependencies,
): Promise<Approval> {
  const { input } = call;
  const { model, row } = await lockApproval(tx, call);
  requirePending(row);
  const move = moveOf(row);
  await decide(tx, call, dependencies, { row, rules: await rulesOf(tx, input.name, move), decision: 'reject' });
  await setState(tx, row, 'rejected');
  const about = { approval: row.number, version: row.version, ...move };
  emitAbout(tx, model, eventTypes.approvalRejected, { ...about, reason: input.reason });
  return await presentOne(tx, input.name, Number(input.number));
}

export async function withdraw(tx: Transaction, call: CallOf<typeof withdrawApprovalOperation>): Promise<Approval> {
  const { input } = call;
  const { model, row } = await lockApproval(tx, call);
  requirePending(row);
  await setState(tx, row, 'withdrawn');
  emitAbout(tx, model, eventTypes.approvalWithdrawn, { approval: row.number, version: row.version, ...moveOf(row) });
  return await presentOne(tx, input.name, Number(input.number));
}

interface Finished {
  readonly row: ApprovalRow;
  readonly move: Move;
  readonly approvals: readonly number[];
  readonly now: number;
}

/** Performs the requested change after the last approval, if the request includes it. */
async function finish(tx: Transaction, model: LockedModel, { row, move, approvals, now }: Finished): Promise<void> {
  await setState(tx, row, 'approved');
  if (!row.move_when_approved) return;
  const version = await readVersion(tx.sql, tx.projectId, model.name, row.version);
  if ('stage' in move) {
    if (version.stage !== move.stage) {
      await moveStage(tx, model, version, { stage: move.stage, archiveOthers: false, approvals, now });
    }
  } else if (!version.aliases.includes(move.alias)) {
    await moveAlias(tx, model, row.version, move.alias, approvals);
  }
}

interface Deciding {
  readonly row: ApprovalRow;
  readonly rules: readonly ApprovalRule[];
  readonly decision: 'approve' | 'reject';
}

/** Records the decision, with the teams that make it count. */
async function decide(
  tx: Transaction,
  { input, context }: CallOf<typeof approveOperation | typeof rejectOperation>,
  dependencies: RegistryDependencies,
  { row, rules, decision }: Deciding,
): Promise<void> {
  const { type, id } = context.principal;
  const by = { type, id };
  const teamNames = [...new Set(rules.flatMap(({ teams = [] }) => teams.map(({ team }) => team)))];
  const teams = teamNames.length === 0 ? [] : await dependencies.memberOf(tx, context.principal, teamNames);
  const standing = eligibilityOf(rules, { by, teams, own: isOwnApproval(by, row) });
  if (standing === 'not-approver') {
    const whom = missingText(missingApprovals(rules, []));
    const detail = `The rule requires approval by ${whom}. You are not one of them.`;
    throw new DaisError('forbidden', whom === '' ? 'No rule requires this approval any longer. Withdraw it.' : detail);
  }
  // The requester, and the user who registered the version, may still reject.
  if (standing === 'own' && decision === 'approve') {
    const detail = `You registered version ${row.version} or requested its approval. Another user must approve it.`;
    throw new DaisError('forbidden', detail);
  }
  await tx.sql.query(
    `insert into registry.approval_decision (model, approval, project_id, by, at, decision, reason, teams)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [row.model, row.number, tx.projectId, JSON.stringify(by), dependencies.now(), decision, input.reason, teams],
    'insert_decision',
  );
}

async function lockApproval(
  tx: Transaction,
  { input, tenant }: CallOf<typeof approveOperation | typeof rejectOperation | typeof withdrawApprovalOperation>,
): Promise<{ model: LockedModel; row: ApprovalRow }> {
  const model = await lockModel(tx.sql, tenant.id, input.name);
  return { model, row: await requireApprovalRow(tx, input.name, Number(input.number)) };
}

async function requireApprovalRow(tx: Transaction, name: string, number: number): Promise<ApprovalRow> {
  const row = await readApproval(tx.sql, tx.projectId, name, number);
  if (row === undefined) throw new DaisError('not_found', `Model "${name}" has no approval ${number}.`);
  return row;
}

function requirePending({ state }: ApprovalRow): void {
  if (state === 'pending') return;
  throw new DaisError(
    'invalid_state',
    `The approval is ${state}. Only a pending approval can be decided or withdrawn.`,
  );
}

async function setState(tx: Transaction, { model, number }: ApprovalRow, state: ApprovalState): Promise<void> {
  await tx.sql.query(
    'update registry.approval set state = $3 where model = $1 and number = $2',
    [model, number, state],
    'set_approval_state',
  );
}

async function presentOne(tx: Transaction, name: string, number: number): Promise<Approval> {
  return await present(tx, name, await requireApprovalRow(tx, name, number));
}

async function present(tx: Transaction, name: string, row: ApprovalRow): Promise<Approval> {
  const missing = row.state === 'pending' ? await missingNow(tx, name, row) : [];
  return {
    number: row.number,
    model: name,
    version: row.version,
    ...moveOf(row),
    state: row.state,
    moveWhenApproved: row.move_when_approved,
    reason: row.reason,
    requestedBy: row.requested_by,
    requestedAt: Number(row.requested_at),
    decisions: [...row.decisions],
    missing: [...missing],
  };
}

async function missingNow(tx: Transaction, name: string, row: ApprovalRow) {
  return missingApprovals(await rulesOf(tx, name, moveOf(row)), approvalsIn([row]));
}
