/** What policies in audit mode would have refused, and violations, as they are kept. */
import type { AuditedRefusal, PolicyViolation } from '@dais/api';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { DaisError } from '@dais/api';

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
  const last = placeOf(decodePageCursor(filter, cursor), 5);
  const rows = await sql.query<AuditedRow>(
    `select policy, action, kind, name, result, reason, principal, count, first_at, last_at from policy.audited
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

/** @throws DaisError `invalid_cursor` for what only looks like a place. */
function placeOf(text: string | undefined, parts: number): readonly string[] | undefined {
  if (text === undefined) return undefined;
  try {
    const read = JSON.parse(text) as unknown;
    if (Array.isArray(read) && read.length === parts && read.every((one) => typeof one === 'string')) {
      if (parts < 5 || /^\d{1,18}$/.test(read[0] as string)) return read as string[];
    }
  } catch {
    // Refused below.
  }
  throw new DaisError('invalid_cursor', 'The cursor is not one of this list.');
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
  readonly since: bigint;
}

const FIELDS = 'policy, kind, name, alias, version, mode, result, reason, facts, path, since';

function present({ alias, version, since, ...row }: ViolationRow): PolicyViolation {
  return { ...row, ...(alias !== '' && { alias }), ...(version !== null && { version }), since: time(since) };
}

export async function listViolationRows({ sql, projectId }: Transaction, { limit, cursor, policy }: PageInput) {
  const filter = ['violations', projectId, policy ?? ''];
  const last = placeOf(decodePageCursor(filter, cursor), 4);
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
  const [row] = await sql.query<{ at: bigint }>(
    'select at from policy.evaluation where project_id = $1',
    [projectId],
    'policy_evaluation',
  );
  return row === undefined ? undefined : time(row.at);
}

/** Everything that policies keep of a project that ends. */
export async function forgetPolicyRecords(tx: Transaction, projectId: string): Promise<void> {
  const home = tx.projectId;
  await tx.enter(projectId);
  for (const table of ['audited', 'violation', 'evaluation']) {
    await tx.sql.query(`delete from policy.${table} where project_id = $1`, [projectId], `forget_policy_${table}`);
  }
  await tx.enter(home);
}
