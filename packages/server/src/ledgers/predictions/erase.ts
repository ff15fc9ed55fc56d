/** Erases personal data from predictions: values of matching rows are removed, and the rows stay. */
import { DaisError, eventTypes } from '@dais/api';
import type { erasePredictionsOperation, PredictionErasure, readErasureOperation } from '@dais/api/serving';
import { call as fn, cast, column, literal, named, when, aggregate } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Sql } from '#engines/database/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { NewJob } from '#kernel/jobs.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { registeredGateways, type RegisteredGateway } from '#ledgers/nodes/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { NodeCollections } from './node-collections.ts';
import { withFiles, type FileRow, type LocalPredictions } from './file-rows.ts';
import { isTensorColumn, PERSONAL_COLUMNS } from './prediction-table.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { endpointSubject } from './prediction-access.ts';
import { rewriteFiles } from './rewrite.ts';

const QUEUE = 'prediction erasure';
/** Hosts that an erasure lists. */
const MOST_HOSTS = 100;

interface ErasureRow {
  readonly id: string;
  readonly endpoint: string;
  readonly column: string;
  readonly value: string | null;
  readonly state: 'pending' | 'succeeded' | 'failed';
  readonly files: number;
  readonly rows: number;
  readonly error: string | null;
  readonly missing_nodes: readonly string[];
  readonly reason: string;
  readonly by: { readonly type: string; readonly id: string };
  readonly requested_at: bigint;
  readonly ended_at: bigint | null;
}

const COLUMNS = `id, endpoint, "column", value, state, files, rows, error, missing_nodes, reason, by, requested_at, ended_at`;

export async function requestErasure(
  tx: Transaction,
  { input, context, tenant }: CallOf<typeof erasePredictionsOperation>,
  now: number,
): Promise<PredictionErasure> {
  const id = uuidv7(now);
  const { type, id: who } = context.principal;
  const { endpoint, column: name, value, reason } = input;
  await tx.sql.query(
    `insert into predictions.erasure (id, project_id, endpoint, "column", value, state, reason, by, requested_at)
     values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8)`,
    [id, tenant.id, endpoint, name, value, reason, JSON.stringify({ type, id: who }), now],
    'request_erasure',
  );
  tx.enqueue(erasureJob(id, tenant.id));
  const data = { erasure: id, column: name, reason };
  tx.emit({
    type: eventTypes.erasureRequested,
    projectId: tenant.id,
    subject: await endpointSubject(tx, endpoint),
    data,
  });
  return presentErasure(await findErasure(tx.sql, tenant.id, id));
}

export async function readErasure(
  tx: Transaction,
  { input, tenant }: CallOf<typeof readErasureOperation>,
): Promise<PredictionErasure> {
  const row = await findErasure(tx.sql, tenant.id, input.id);
  if (row.endpoint !== input.endpoint) throw noErasure(input.id);
  return presentErasure(row);
}

async function findErasure(sql: Sql, projectId: string, id: string): Promise<ErasureRow> {
  const [row] = await sql.query<ErasureRow>(
    `select ${COLUMNS} from predictions.erasure where id = $1 and project_id = $2`,
    [id, projectId],
    'find_erasure',
  );
  if (row === undefined) throw noErasure(id);
  return row;
}

function noErasure(id: string): DaisError {
  return new DaisError('not_found', `There is no erasure ${id}.`);
}

function presentErasure(row: ErasureRow): PredictionErasure {
  return {
    id: row.id,
    endpoint: row.endpoint,
    column: row.column,
    state: row.state,
    files: row.files,
    rows: row.rows,
    ...(row.error !== null && { error: row.error }),
    ...(row.missing_nodes.length > 0 && { missingNodes: [...row.missing_nodes] }),
    reason: row.reason,
    by: `${row.by.type}/${row.by.id}`,
    requestedAt: Number(row.requested_at),
    ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
  };
}

/**
 * Processes files from newest to oldest, each in a transaction with its count, so that a restarted job resumes. Files
 * that are written meanwhile contain later predictions, and are newer than the request.
 */
export function erasureHandler(dependencies: PredictionsDependencies, collections: NodeCollections): JobHandler {
  return {
    queue: QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 2000, capMs: 300_000 },
    run: async ({ payload, projectId }, io) => {
      const id = String(payload['erasure']);
      // Collect predictions from before the request into files, on all nodes.
      const { late, gone } = await collections.collectEverywhere(io.signal);
      if (late.length > 0) {
        const error = `The predictions of ${late.join(', ')} are not collected yet.`;
        await io.write(async ({ sql }) => await noteErasure(sql, id, { error, missing: [] }));
        throw new Error(error);
      }
      await io.write(async ({ sql }) => await noteErasure(sql, id, { error: undefined, missing: gone }));
      const erasure = await io.read(async ({ sql }) => await findErasure(sql, projectId, id));
      if (erasure.value === null) return {};
      for (;;) {
        io.signal.throwIfAborted();
        const file = await io.read(async ({ sql }) => await nextFile(sql, projectId, id, erasure.endpoint));
        if (file === undefined) break;
        await eraseIn(dependencies, { id, column: erasure.column, value: erasure.value }, file, io.signal);
      }
      await io.write(async (tx) => {
        await tx.sql.query(
          // A repetition continues after the last file: what a node collects later is in newer files.
          `update predictions.erasure set state = 'succeeded', ended_at = $2,
             value = case when missing_ids = '[]' then null else value end,
             last_file = case when missing_ids = '[]' then null else last_file end
           where id = $1`,
          [id, dependencies.clock.now()],
          'end_erasure',
        );
        const { files, rows } = await findErasure(tx.sql, projectId, id);
        const subject = await endpointSubject(tx, erasure.endpoint);
        tx.emit({
          type: eventTypes.predictionsErased,
          projectId,
          subject,
          data: { erasure: id, column: erasure.column, files, rows },
        });
      });
      return {};
    },
    ended: async (tx, job, end) => {
      if (end.state !== 'failed' && end.state !== 'canceled') return;
      await tx.enter(job.projectId);
      await tx.sql.query(
        `update predictions.erasure set state = 'failed', error = $2, ended_at = $3 where id = $1 and state = 'pending'`,
        [String(job.payload['erasure']), end.error ?? 'it was canceled', dependencies.clock.now()],
        'fail_erasure',
      );
    },
  };
}

/** `error`: what it waits for. `missing`: nodes that do not run. */
async function noteErasure(
  sql: Sql,
  id: string,
  { error, missing }: { readonly error: string | undefined; readonly missing: readonly RegisteredGateway[] },
): Promise<void> {
  const hosts = [...new Set(missing.map(({ host }) => host))].slice(0, MOST_HOSTS);
  await sql.query(
    `update predictions.erasure set error = $2, missing_nodes = $3, missing_ids = $4 where id = $1 and state = 'pending'`,
    [id, error ?? null, JSON.stringify(hosts), JSON.stringify(missing.map((node) => node.id))],
    'note_erasure',
  );
}

/** Repeats the erasures that lacked the predictions of a node, which it has collected now. */
export async function repeatErasures(tx: Transaction, node: string): Promise<void> {
  const rows = await tx.sql.query<{ id: string; project_id: string }>(
    `update predictions.erasure set state = 'pending', ended_at = null
     where missing_ids <> '[]' and missing_ids ? $1 and state = 'succeeded' returning id, project_id`,
    [node],
    'repeat_erasures',
  );
  for (const { id, project_id: projectId } of rows) tx.enqueue(erasureJob(id, projectId));
}

/** Forgets the values of erasures whose missing nodes have all been removed. Returns their number. */
export async function forgetErasures(sql: Sql): Promise<number> {
  const nodes = await registeredGateways(sql);
  const rows = await sql.query(
    `update predictions.erasure set value = null, last_file = null, missing_ids = '[]'
     where missing_ids <> '[]' and state <> 'pending' and not missing_ids ?| $1::text[] returning 1`,
    [nodes.map(({ id }) => id)],
    'forget_erasures',
  );
  return rows.length;
}

function erasureJob(id: string, projectId: string): NewJob {
  return { queue: QUEUE, projectId, payload: { erasure: id }, uniqueKey: id, maxAttempts: 20 };
}

/**
 * By file id, oldest first; files that erasing creates are newer than the position and are checked again without
 * effect.
 */
async function nextFile(sql: Sql, projectId: string, erasure: string, endpoint: string): Promise<FileRow | undefined> {
  const [row] = await sql.query<FileRow>(
    `select f.* from predictions.file f, predictions.erasure e
     where e.id = $2 and f.project_id = $1 and f.name = $3 and (e.last_file is null or f.id > e.last_file) order by f.id limit 1`,
    [projectId, erasure, endpoint],
    'next_erased_file',
  );
  return row;
}

async function eraseIn(
  dependencies: PredictionsDependencies,
  erasure: { readonly id: string; readonly column: string; readonly value: string },
  file: FileRow,
  signal: AbortSignal,
): Promise<void> {
  const advance = async ({ sql }: Transaction, rows: number): Promise<void> => {
    await sql.query(
      'update predictions.erasure set last_file = $2, files = files + 1, rows = rows + $3 where id = $1',
      [erasure.id, file.id, rows],
      'advance_erasure',
    );
  };
  const matches = fn('=', cast(column(erasure.column), 'string', { lenient: true }), literal(erasure.value));
  const hit = fn('and', matches, fn('not', column('erased')));
  const rows = file.columns.some(({ name }) => name === erasure.column)
    ? await countRows(dependencies, file, hit, signal)
    : 0;
  if (rows === 0) {
    await transact(
      dependencies.database,
      { mode: 'write', projectId: file.project_id },
      async (tx) => await advance(tx, 0),
    );
    return;
  }
  const without = (local: LocalPredictions): Relation => ({
    type: 'project',
    from: local.relation,
    keep: 'none',
    columns: local.columns.map(({ name, type }) => {
      const gone = when(hit, name === 'erased' ? literal(true) : literal(null, type), column(name));
      return named(
        name,
        isTensorColumn(name) || PERSONAL_COLUMNS.includes(name) || name === 'erased' ? gone : column(name),
      );
    }),
  });
  // Fails if the file was merged meanwhile: the next pass processes the merged file.
  await rewriteFiles(dependencies, {
    files: [file],
    relation: without,
    erased: rows,
    signal,
    also: async (tx) => await advance(tx, rows),
  });
}

async function countRows(
  dependencies: PredictionsDependencies,
  file: FileRow,
  hit: ReturnType<typeof fn>,
  signal: AbortSignal,
): Promise<number> {
  return await withFiles(dependencies, file.project_id, [file], async (local) => {
    const query: Relation = {
      type: 'aggregate',
      from: { type: 'filter', from: local.relation, where: hit },
      by: [],
      columns: [named('n', aggregate('count'))],
    };
    const output = { type: 'rows', limit: 1 } as const;
    const result = await (
      await dependencies.query()
    ).run({ tables: local.tables, query, output, owner: file.project_id }, { signal });
    return Number(result.rows[0]?.[0] ?? 0);
  });
}
