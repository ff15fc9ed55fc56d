/** Storage of violations and of recorded denials of policies in audit mode. */
import { DaisError, eventTypes } from '@dais/api';
import type { AuditedRefusal, PolicyViolation } from '@dais/api/access';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';

export interface PageInput {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly policy?: string | undefined;
}

interface AuditedRow {
  readonly policy: string;
  readonly action: string;
  readonly kind: string;
  readonly name: string;
  readonly result: AuditedRefusal['result'];
  readonly reason: string;
  readonly principal: string;
  readonly count: bigint;
  readonly first_at: bigint;
  readonly last_at: bigint;
}

const time = (ms: bigint) => new Date(Number(ms)).toISOString();

/** Latest first. */
export async function listAudited({ sql, projectId }: Transaction, { limit, cursor, policy }: PageInput) {
  const filter = ['audited', projectId, policy ?? ''];
  const last = positionOf(decodePageCursor(filter, cursor), 5);
  const rows = await sql.query<AuditedRow>(
    `select policy, action, kind, name, result, reason, principal, count, first_at, last_at from policy.audited_decision
     where project_id = $1 and ($2::text is null or policy = $2)
       and ($3::text is null or (last_at, policy, action, kind, name) < ($3::bigint, $4, $5, $6, $7))
     order by last_at desc, policy desc, action desc, kind desc, name desc limit $8`,
    [projectId, policy ?? null, ...(last ?? [null, null, null, null, null]), limit + 1],
    'list_audited',
  );
  const { page, next } = cutPage(rows, limit, filter, (row) =>
    JSON.stringify([String(row.last_at), row.policy, row.action, row.kind, row.name]),
  );
  const items = page.map(({ first_at, last_at, count, ...row }): AuditedRefusal => ({
    ...row,
    count: Number(count),
    firstAt: time(first_at),
    lastAt: time(last_at),
  }));
  return { items, ...next };
}

/** @throws DaisError `invalid_cursor` for a cursor with an invalid position. */
function positionOf(text: string | undefined, parts: number): readonly string[] | undefined {
  if (text === undefined) return undefined;
  try {
    const read = JSON.parse(text) as unknown;
    if (Array.isArray(read) && read.length === parts && read.every((one) => typeof one === 'string')) {
      if (parts < 5 || /^\d{1,18}$/.test(read[0] as string)) return read;
    }
  } catch {
    // Refused below.
  }
  throw new DaisError('invalid_cursor', 'The cursor does not belong to this list.');
}

/** A violation as an evaluation finds it. */
export type FoundViolation = Omit<PolicyViolation, 'since'>;

interface ViolationRow {
  readonly policy: string;
  readonly kind: PolicyViolation['kind'];
  readonly name: string;
  readonly alias: string;
  readonly version: string | null;
  readonly mode: PolicyViolation['mode'];
  readonly result: PolicyViolation['result'];
  readonly reason: string;
  readonly facts: PolicyViolation['facts'];
  readonly path: PolicyViolation['path'];
  readonly started_at: bigint;
}

const FIELDS = 'policy, kind, name, alias, version, mode, result, reason, facts, path, started_at';

function present({ alias, version, started_at: since, ...row }: ViolationRow): PolicyViolation {
  return { ...row, ...(alias !== '' && { alias }), ...(version !== null && { version }), since: time(since) };
}

export async function listViolationRows({ sql, projectId }: Transaction, { limit, cursor, policy }: PageInput) {
  const filter = ['violations', projectId, policy ?? ''];
  const last = positionOf(decodePageCursor(filter, cursor), 4);
  const rows = await sql.query<ViolationRow>(
    `select ${FIELDS} from policy.violation
     where project_id = $1 and ($2::text is null or policy = $2)
       and ($3::text is null or (kind, name, alias, policy) > ($3, $4, $5, $6))
     order by kind, name, alias, policy limit $7`,
    [projectId, policy ?? null, ...(last ?? [null, null, null, null]), limit + 1],
    'list_violations',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ kind, name, alias, policy: of }) =>
    JSON.stringify([kind, name, alias, of]),
  );
  return { items: page.map(present), ...next };
}

export async function evaluatedAt({ sql, projectId }: Transaction): Promise<string | undefined> {
  const [row] = await sql.query<{ at: bigint | null }>(
    'select at from policy.evaluation where project_id = $1',
    [projectId],
    'policy_evaluation',
  );
  return row?.at == null ? undefined : time(row.at);
}

/**
 * Locks the evaluation of the project until the transaction ends, so that an older result does not overwrite a newer
 * one.
 */
export async function lockEvaluation({ sql, projectId }: Transaction): Promise<void> {
  await sql.query(
    `insert into policy.evaluation (project_id, at) values ($1, null) on conflict (project_id) do nothing`,
    [projectId],
    'start_policy_evaluation',
  );
  await sql.query(
    'select 1 from policy.evaluation where project_id = $1 for update',
    [projectId],
    'lock_policy_evaluation',
  );
}

/** Stores a violation, and emits an event when it is new. `startedAt`: start of the evaluation. */
export async function storeViolation(
  tx: Transaction,
  { uid, ...found }: FoundViolation & { readonly uid: string },
  startedAt: number,
): Promise<void> {
  const { policy, kind, name, alias, version, mode, result, reason, facts, path } = found;
  const [row] = await tx.sql.query<{ fresh: boolean }>(
    `insert into policy.violation as v (project_id, policy, kind, name, uid, alias, version, mode, result, reason, facts, path, started_at, evaluated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb, $12::jsonb, $13, $13)
     on conflict (project_id, policy, kind, name, alias) do update set uid = excluded.uid, version = excluded.version,
       mode = excluded.mode, result = excluded.result, reason = excluded.reason, facts = excluded.facts,
       path = excluded.path, evaluated_at = greatest(v.evaluated_at, excluded.evaluated_at)
     returning xmax = 0 as fresh`,
    [
      tx.projectId,
      policy,
      kind,
      name,
      uid,
      alias ?? '',
      version ?? null,
      mode,
      result,
      reason,
      JSON.stringify(facts),
      JSON.stringify(path),
      startedAt,
    ],
    'store_violation',
  );
  if (row?.fresh !== true) return;
  tx.emit({
    type: eventTypes.policyViolated,
    projectId: tx.projectId,
    subject: { kind, name, uid },
    data: { policy, mode, result, ...(alias !== undefined && { alias }) },
  });
}

/** Removes what an evaluation of the whole project did not find again. */
export async function endEvaluation(tx: Transaction, startedAt: number): Promise<void> {
  const { sql, projectId } = tx;
  const ended = await sql.query<Pick<ViolationRow, 'policy' | 'kind' | 'name' | 'alias'> & { uid: string }>(
    `delete from policy.violation where project_id = $1 and evaluated_at < $2 returning policy, kind, name, uid, alias`,
    [projectId, startedAt],
    'end_violations',
  );
  for (const { policy, kind, name, uid, alias } of ended) {
    const data = { policy, ...(alias !== '' && { alias }) };
    tx.emit({ type: eventTypes.policyViolationEnded, projectId, subject: { kind, name, uid }, data });
  }
  await sql.query(
    'update policy.evaluation set at = greatest(at, $2) where project_id = $1',
    [projectId, startedAt],
    'end_policy_evaluation',
  );
}

/** Projects with violations; in a transaction that sees all of them. */
export async function projectsWithViolations({ sql }: Transaction): Promise<readonly string[]> {
  const rows = await sql.query<{ project_id: string }>(
    'select distinct project_id from policy.violation',
    [],
    'projects_with_violations',
  );
  return rows.map((row) => row.project_id);
}

/** Removes records of refusals that did not happen again since `before`; in a transaction that sees all projects. */
export async function forgetAudited({ sql }: Transaction, before: number): Promise<number> {
  const rows = await sql.query(
    `delete from policy.audited_decision where ctid = any(array(select ctid from policy.audited_decision where last_at < $1 limit 5000)) returning 1`,
    [before],
    'forget_audited',
  );
  return rows.length;
}

/** Everything that policies keep of a project that ends. */
export async function forgetPolicyRecords(tx: Transaction, projectId: string): Promise<void> {
  const home = tx.projectId;
  await tx.enter(projectId);
  for (const table of ['audited_decision', 'violation', 'evaluation']) {
    await tx.sql.query(`delete from policy.${table} where project_id = $1`, [projectId], `forget_policy_${table}`);
  }
  await tx.enter(home);
}
