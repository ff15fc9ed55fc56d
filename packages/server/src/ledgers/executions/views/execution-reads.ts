/** Operations that read jobs and pipeline runs, with their steps, attempts and files. */
import { DaisError } from '@dais/api';
import {
  listExecutionAttemptsOperation,
  listExecutionFilesOperation,
  listExecutionNodesOperation,
  listExecutionsOperation,
  readExecutionFileOperation,
  readExecutionOperation,
} from '@dais/api/executions';
import type { Content } from '#kernel/content/content.ts';
import type { Download } from '#kernel/content/download.ts';
import { listReferences } from '#kernel/content/references.ts';
import { downloadEntry, entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Database } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import {
  presentAttempt,
  presentNode,
  presentRun,
  presentWhole,
  requireRun,
  RUN_COLUMNS,
  type AttemptRow,
  type NodeRecordRow,
  type RunRow,
} from './execution-rows.ts';

export function executionReads({
  database,
  content,
}: {
  readonly database: Database;
  readonly content: Content;
}): readonly OperationEntry[] {
  return [
    entry(
      readExecutionOperation,
      async ({ sql, projectId }, { input }) => await presentWhole(sql, projectId, input.id),
    ),
    entry(listExecutionsOperation, listRuns),
    entry(listExecutionNodesOperation, listNodes),
    entry(listExecutionAttemptsOperation, listAttempts),
    entry(listExecutionFilesOperation, listFiles),
    downloadEntry(readExecutionFileOperation, {
      perform: async ({ input, tenant }): Promise<Download> => {
        const request = { mode: 'read', projectId: tenant.id } as const;
        const { id } = await transact(database, request, async ({ sql }) => await requireRun(sql, tenant.id, input.id));
        const owner = { projectId: tenant.id, uid: id, label: `run ${id}` };
        const { size, sha256 } = await content.stat(owner, input.name);
        return { size, sha256, open: async (range) => (await content.open(owner, input.name, range)).bytes };
      },
    }),
  ];
}

async function listRuns({ sql, projectId }: Transaction, { input }: CallOf<typeof listExecutionsOperation>) {
  const { state, name, contains, limit, cursor } = input;
  const filter = [projectId, 'executions', state ?? '', name ?? '', contains ?? ''];
  const before = parsePagePosition(decodePageCursor(filter, cursor));
  const rows = await sql.query<RunRow & { readonly micros: bigint }>(
    `select ${RUN_COLUMNS}, (extract(epoch from created_at) * 1000000)::bigint as micros from executions.run
     where project_id = $1 and ($2::text is null or state = $2) and ($3::text is null or name = $3)
       and ($4::text is null or strpos(lower(name), lower($4)) > 0)
       and ($5::bigint is null
         or (created_at, id) < (timestamptz 'epoch' + $5::bigint * interval '1 microsecond', $6::uuid))
     order by created_at desc, id desc limit $7`,
    [projectId, state ?? null, name ?? null, contains ?? null, before?.micros ?? null, before?.id ?? null, limit + 1],
    'list_executions',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ micros, id }) => `${micros} ${id}`);
  return { items: page.map(presentRun), ...next };
}

/** Parses the position of a page cursor. @throws DaisError `invalid_cursor` */
export function parsePagePosition(
  text: string | undefined,
): { readonly micros: bigint; readonly id: string } | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,18}) ([0-9a-f-]{36})$/.exec(text);
  if (match === null)
    throw new DaisError('invalid_cursor', 'The cursor belongs to another list. Start again without a cursor.');
  return { micros: BigInt(match[1] ?? ''), id: match[2] ?? '' };
}

async function listNodes({ sql, projectId }: Transaction, { input }: CallOf<typeof listExecutionNodesOperation>) {
  const { id, state, limit, cursor } = input;
  const run = await requireRun(sql, projectId, id);
  const filter = [projectId, run.id, 'nodes', state ?? ''];
  const rows = await sql.query<NodeRecordRow>(
    `select n.path, n.kind, n.state, n.source, n.error, n.inputs, n.outputs, n.started_at, n.ended_at,
       t.tracking_run, t.experiment,
       (select count(*)::int from executions.attempt a where a.node = n.id) as attempts
     from executions.node n left join executions.tracked t on t.node = n.id
     where n.run = $1 and n.path > $2 and ($3::text is null or n.state = $3)
     order by n.path limit $4`,
    [run.id, decodePageCursor(filter, cursor) ?? '', state ?? null, limit + 1],
    'list_execution_nodes',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ path }) => path);
  return { items: page.map(presentNode), ...next };
}

async function listAttempts({ sql, projectId }: Transaction, { input }: CallOf<typeof listExecutionAttemptsOperation>) {
  const { id, node, limit, cursor } = input;
  const run = await requireRun(sql, projectId, id);
  const filter = [projectId, run.id, 'attempts', node ?? ''];
  const after = parsePagePosition(decodePageCursor(filter, cursor));
  const rows = await sql.query<AttemptRow & { readonly micros: bigint }>(
    `select a.id, n.path, a.n, a.state, a.ending, a.code, a.signal, a.error, a.usage, n.target, a.note, a.claimed_at,
       a.started_at, a.ended_at, (extract(epoch from a.claimed_at) * 1000000)::bigint as micros
     from executions.node n join executions.attempt a on a.node = n.id
     where n.run = $1 and ($2::text is null or n.path = $2)
       and ($3::bigint is null
         or (a.claimed_at, a.id) > (timestamptz 'epoch' + $3::bigint * interval '1 microsecond', $4::uuid))
     order by a.claimed_at, a.id limit $5`,
    [run.id, node ?? null, after?.micros ?? null, after?.id ?? null, limit + 1],
    'list_execution_attempts',
  );
  const { page, next } = cutPage(rows, limit, filter, (row) => `${row.micros} ${row.id}`);
  return { items: page.map(presentAttempt), ...next };
}

async function listFiles(tx: Transaction, { input }: CallOf<typeof listExecutionFilesOperation>) {
  const { id, prefix, limit, cursor } = input;
  const { projectId } = tx;
  const run = await requireRun(tx.sql, projectId, id);
  const filter = [projectId, run.id, 'files', prefix];
  const after = decodePageCursor(filter, cursor) ?? '';
  const found = await listReferences(tx, { projectId, uid: run.id }, { prefix, after, limit: limit + 1 });
  const { page, next } = cutPage(found, limit, filter, ({ name }) => name);
  return { items: page.map(({ name, size, sha256 }) => ({ name, size, sha256 })), ...next };
}
