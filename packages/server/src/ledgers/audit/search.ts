/** Searches entries and presents them. */
import { DaisError } from '@dais/api';
import type { AuditEntry, listAuditOperation, listOrganizationAuditOperation } from '@dais/api/audit';
import type { Sql } from '#engines/database/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor, encodePageCursor } from '#kernel/page-cursor.ts';
import { findTenant, ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import { archiveBelow, archivedSize, type ArchiveStore } from './archive-store.ts';
import { columnsOf, openBody, sealedPersons, type EntryBody } from './entry-body.ts';
import type { Persons } from './persons.ts';

/** Maximum number of archives per request, about 65,000 entries; older ones are on the next page. */
const MAX_ARCHIVES = 4;

interface Found {
  readonly seq: bigint;
  readonly body: Buffer;
}

/** Conditions on rows of entries with the alias `r`. */
type Where = (bind: Bind) => readonly (string | false)[];

/**
 * Returns a page of entries, newest first, of one project, or of all projects for the organization. Entries of the table precede
 * those of the archives. A page of archives can be short or empty and still have a next one.
 */
export async function searchEntries(
  tx: Transaction,
  call: CallOf<typeof listAuditOperation | typeof listOrganizationAuditOperation>,
  { persons, archives }: { readonly persons: Persons; readonly archives: ArchiveStore },
): Promise<{ readonly items: readonly AuditEntry[]; readonly nextCursor?: string }> {
  const { limit, cursor, ...filter } = call.input;
  const binding = [call.tenant.id, filter];
  const before = decodeNumberCursor(binding, cursor);
  const where = await conditionsOf(tx.sql, call, persons);
  // Row-level security restricts rows to the project; the organization reads all of them.
  if (call.tenant.name === '') await tx.enter('all');
  const { rows, archived } = await inTable(tx.sql, where, before, limit + 1);
  const readTo = async (bodies: readonly Buffer[]) => await readable(tx.sql, bodies, persons);
  if (rows.length > limit) {
    const { page, next } = cutPage(rows, limit, binding, ({ seq }) => String(seq));
    return { items: await readTo(page.map(({ body }) => body)), ...next };
  }
  const below = before === undefined || before > archived ? archived : Number(before);
  const from = filter.from === undefined ? undefined : moment(filter.from);
  const older = await inArchives(tx.sql, archives, { where, below, from, limit: limit + 1 - rows.length });
  const { page, next } = cutPage([...rows, ...older.rows], limit, binding, ({ seq }) => String(seq));
  const further = older.next === undefined ? {} : { nextCursor: encodePageCursor(binding, String(older.next)) };
  return { items: await readTo(page.map(({ body }) => body)), ...further, ...next };
}

async function conditionsOf(
  sql: Sql,
  call: CallOf<typeof listAuditOperation | typeof listOrganizationAuditOperation>,
  persons: Persons,
): Promise<Where> {
  const { input: filter, tenant, rows } = call;
  const project =
    tenant.name === '' ? await namedProject(sql, 'project' in filter ? filter.project : undefined) : tenant.id;
  const actors = filter.actor === undefined ? undefined : await actorNames(sql, filter.actor, persons);
  const subjects = filter.name === undefined ? undefined : await subjectNames(sql, filter.name, persons);
  return (bind) => [
    project !== undefined && `r.project_id = ${bind(project)}::uuid`,
    filter.type !== undefined && `r.type = ${bind(filter.type)}`,
    filter.kind !== undefined && `r.subject_kind = ${bind(filter.kind)}`,
    filter.outcome !== undefined && `r.outcome = ${bind(filter.outcome)}`,
    filter.requestId !== undefined && `r.request_id = ${bind(filter.requestId)}`,
    filter.from !== undefined && `r.at >= ${bind(moment(filter.from))}`,
    filter.to !== undefined && `r.at < ${bind(moment(filter.to))}`,
    actors !== undefined && `r.actor = any(${bind(actors)}::text[])`,
    subjects !== undefined && `r.subject = any(${bind(subjects)}::text[])`,
    rows !== undefined && rows.sql(bind),
  ];
}

/** Searches the table. `archived`: all entries below are archived. Entries can be archived concurrently, so the table is read again. */
async function inTable(
  sql: Sql,
  where: Where,
  before: bigint | undefined,
  most: number,
): Promise<{ readonly rows: readonly Found[]; readonly archived: number }> {
  for (let archived = await archivedSize(sql); ;) {
    const from = archived;
    const { text, values } = composeStatement(
      (bind) => `select r.seq, r.body from audit.entry r
       where r.seq >= ${bind(from)} and ${allOf([before !== undefined && `r.seq < ${bind(before)}`, ...where(bind)])}
       order by r.seq desc limit ${bind(most)}`,
    );
    const rows = await sql.query<Found>(text, values);
    const now = await archivedSize(sql);
    if (now === archived) return { rows, archived };
    archived = now;
  }
}

interface ArchiveSearch {
  readonly where: Where;
  /** Decodes the position, from which the search goes backwards. */
  readonly below: number;
  readonly from: Date | undefined;
  readonly limit: number;
}

/** Searches archives with the same conditions. `next`: the position of the next page, if there is more. */
async function inArchives(
  sql: Sql,
  archives: ArchiveStore,
  { where, below, from, limit }: ArchiveSearch,
): Promise<{ readonly rows: readonly Found[]; readonly next?: number }> {
  const rows: Found[] = [];
  let at = below;
  for (let read = 0; rows.length < limit; read++) {
    const range = await archiveBelow(sql, at, from);
    if (range === undefined) return { rows };
    if (read === MAX_ARCHIVES) return { rows, next: at };
    const bodies = (await archives.read(range)).slice(0, at - range.from);
    rows.push(...(await fitting(sql, where, { bodies, start: range.from, limit: limit - rows.length })));
    at = range.from;
  }
  return { rows };
}

async function fitting(
  sql: Sql,
  where: Where,
  { bodies, start, limit }: { readonly bodies: readonly Buffer[]; readonly start: number; readonly limit: number },
): Promise<readonly Found[]> {
  const entries = bodies.map((body) => JSON.parse(body.toString('utf8')) as EntryBody);
  const columns = entries.map(columnsOf);
  const first = [
    entries.map((_, index) => start + index),
    entries.map(({ at }) => at),
    columns.map(({ project }) => project ?? ORGANIZATION),
    entries.map(({ type }) => type),
    columns.map(({ actor }) => actor),
    columns.map(({ subjectKind }) => subjectKind ?? null),
    columns.map(({ subject }) => subject ?? null),
    entries.map(({ outcome }) => outcome),
    entries.map(({ requestId }) => requestId ?? null),
  ];
  const { text, values } = composeStatement(
    (
      bind,
    ) => `select r.seq from unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::text[], $9::text[]) as r (seq, at, project_id, type, actor, subject_kind, subject, outcome, request_id)
     where ${allOf(where(bind))} order by r.seq desc limit ${bind(limit)}`,
    first,
  );
  const found = await sql.query<{ seq: bigint }>(text, values);
  return found.flatMap(({ seq }): Found[] => {
    const body = bodies[Number(seq) - start];
    return body === undefined ? [] : [{ seq, body }];
  });
}

/** Parsed here: RFC 3339 allows offsets up to 23:59, PostgreSQL up to 15:59. */
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

/** Opens sealed data of people who are not forgotten. */
export async function readable(sql: Sql, bodies: readonly Buffer[], persons: Persons): Promise<readonly AuditEntry[]> {
  const parsed = bodies.map((body) => JSON.parse(body.toString('utf8')) as EntryBody);
  const keys = await persons.keysOf(sql, [...new Set(parsed.flatMap(sealedPersons))]);
  return parsed.map((body) => present(body, keys));
}

function present(body: EntryBody, keys: ReadonlyMap<string, Buffer>): AuditEntry {
  const { v: _v, event: _event, typeVersion: _typeVersion, ...entry } = openBody(body, keys);
  return JSON.parse(JSON.stringify(entry)) as AuditEntry;
}
