/** Finding entries, and giving them to people in readable form. */
import { DaisError, type AuditEntry } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Call } from '#kernel/dispatch.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import { findTenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { openBody, sealedPersons, type EntryBody } from './entry-body.ts';
import type { Persons } from './persons.ts';

interface SearchInput {
  readonly limit: number;
  readonly cursor?: string;
  readonly project?: string;
  readonly actor?: string;
  readonly type?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly outcome?: string;
  readonly requestId?: string;
  readonly from?: string;
  readonly to?: string;
}

/** A page, newest first, of one project; of all projects for the organisation. */
export async function searchEntries(
  tx: Transaction,
  call: Call<SearchInput>,
  persons: Persons,
): Promise<{ readonly items: readonly AuditEntry[]; readonly nextCursor?: string }> {
  const { limit, cursor, ...filter } = call.input;
  const binding = [call.tenant.id, filter];
  const before = decodeNumberCursor(binding, cursor);
  const project = call.tenant.name === '' ? await namedProject(tx.sql, filter.project) : call.tenant.id;
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const conditions = [
    project !== undefined && `project_id = ${bind(project)}`,
    before !== undefined && `seq < ${bind(before)}`,
    filter.type !== undefined && `type = ${bind(filter.type)}`,
    filter.kind !== undefined && `subject_kind = ${bind(filter.kind)}`,
    filter.outcome !== undefined && `outcome = ${bind(filter.outcome)}`,
    filter.requestId !== undefined && `request_id = ${bind(filter.requestId)}`,
    filter.from !== undefined && `at >= ${bind(moment(filter.from))}`,
    filter.to !== undefined && `at < ${bind(moment(filter.to))}`,
    filter.actor !== undefined && `actor = any(${bind(await actorNames(tx.sql, filter.actor, persons))}::text[])`,
    filter.name !== undefined && `subject = any(${bind(await subjectNames(tx.sql, filter.name, persons))}::text[])`,
    call.rows !== undefined && `(${call.rows.sql(bind)})`,
  ].filter((condition) => condition !== false);
  // Row security binds the rows to the project; the organisation asks for all of them.
  if (call.tenant.name === '') await tx.enter('all');
  const rows = await tx.sql.query<{ seq: bigint; body: Buffer }>(
    `select seq, body from audit.entry r ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
     order by seq desc limit ${bind(limit + 1)}`,
    values,
  );
  const { page, next } = cutPage(rows, limit, binding, ({ seq }) => String(seq));
  return {
    items: await readable(
      tx.sql,
      page.map((row) => row.body),
      persons,
    ),
    ...next,
  };
}

/** Read here: RFC 3339 knows offsets of up to 23:59, PostgreSQL of up to 15:59. */
function moment(text: string): Date {
  return new Date(text);
}

async function namedProject(sql: Sql, name: string | undefined): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const tenant = await findTenant(sql, name);
  if (tenant === undefined) throw new DaisError('not_found', `There is no project "${name}".`);
  return tenant.id;
}

async function actorNames(sql: Sql, name: string, persons: Persons): Promise<readonly string[]> {
  const person = await persons.find(sql, name);
  return [`service:${name}`, `system:${name}`, ...(person === undefined ? [] : [person])];
}

async function subjectNames(sql: Sql, name: string, persons: Persons): Promise<readonly string[]> {
  const person = await persons.find(sql, name);
  return [name, ...(person === undefined ? [] : [person])];
}

/** Opens what is sealed of people who are not forgotten. */
export async function readable(sql: Sql, bodies: readonly Buffer[], persons: Persons): Promise<readonly AuditEntry[]> {
  const parsed = bodies.map((body) => JSON.parse(body.toString('utf8')) as EntryBody);
  const keys = await persons.keysOf(sql, [...new Set(parsed.flatMap(sealedPersons))]);
  return parsed.map((body) => present(body, keys));
}

function present(body: EntryBody, keys: ReadonlyMap<string, Buffer>): AuditEntry {
  const { v: _v, event: _event, typeVersion: _typeVersion, ...entry } = openBody(body, keys);
  return JSON.parse(JSON.stringify(entry)) as AuditEntry;
}
