/** Searches pipelines and their versions, and renames pipelines. */
import {
  labelPipelineOperation,
  PIPELINES_COUNTED,
  searchPipelinesOperation,
  searchPipelineVersionsOperation,
  type PipelineHead,
  type PipelineVersion,
} from '@dais/api/executions';
import { entry, type Call, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { listResources } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Bind } from '#lib/composed-sql.ts';
import { presentVersion, requirePipeline, type VersionRow } from '../pipelines/pipeline-rows.ts';
import { searchRecords, type RecordTable } from './record-query.ts';

interface HeadRow {
  readonly uid: string;
  readonly name: string;
  readonly display_name: string | null;
  readonly description: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const HEAD_COLUMNS = 'r.uid, r.name, r.display_name, r.description, r.tags, r.created_at, r.updated_at';

const heads: RecordTable<HeadRow, PipelineHead> = {
  name: 'pipelines',
  from: 'executions.pipeline r',
  id: 'r.uid',
  columns: HEAD_COLUMNS,
  fields: {
    id: { sql: 'r.uid', type: 'text' },
    name: { sql: 'r.name', type: 'text' },
    displayName: { sql: 'coalesce(r.display_name, r.name)', type: 'text' },
    description: { sql: 'r.description', type: 'text', missing: true },
    createdAt: { sql: 'r.created_at', type: 'moment' },
  },
  unless: {},
  counted: PIPELINES_COUNTED,
  present: presentHead,
};

const versions: RecordTable<VersionRow, PipelineVersion & { readonly pipeline: string }> = {
  name: 'pipeline versions',
  from: 'executions.pipeline_version r',
  id: 'r.id',
  columns: `r.id, r.pipeline, r.n, r.name, r.display_name, r.description, r.source_url, r.tags, r.format, r.digest,
    r.actor_type, r.actor_id, r.created_at`,
  fields: {
    id: { sql: 'r.id', type: 'text' },
    pipeline: { sql: 'r.pipeline', type: 'text' },
    name: { sql: 'r.name', type: 'text' },
    displayName: { sql: 'coalesce(r.display_name, r.name)', type: 'text' },
    description: { sql: 'r.description', type: 'text', missing: true },
    format: { sql: 'r.format', type: 'text' },
    createdAt: { sql: 'r.created_at', type: 'moment' },
  },
  unless: {},
  counted: PIPELINES_COUNTED,
  present: (row) => ({ ...presentVersion(row), pipeline: row.pipeline }),
};

export const pipelineSearch: readonly OperationEntry[] = [
  entry(
    searchPipelinesOperation,
    async (tx, call) => await searchRecords(tx, heads, call.input, await seen(tx, call, 'r.uid')),
  ),
  entry(
    searchPipelineVersionsOperation,
    async (tx, call) => await searchRecords(tx, versions, call.input, await seen(tx, call, 'r.pipeline')),
  ),
  entry(labelPipelineOperation, label),
];

/** Resources of one batch. */
const SEEN_AT_ONCE = 500;

/** Restricts the search to pipelines that policies let the caller see. Policies are evaluated on the resources. */
async function seen(tx: Transaction, { rows }: Call, uid: string) {
  if (rows === undefined) return undefined;
  const uids: string[] = [];
  for (let after = '', full = true; full;) {
    const filter = { equal: {}, notEqual: [], present: [], absent: [] };
    const of = { projectId: tx.projectId, kind: 'Pipeline', after, limit: SEEN_AT_ONCE, rows, ...filter };
    const found = await listResources(tx.sql, of);
    uids.push(...found.map((one) => one.uid));
    after = found.at(-1)?.name ?? after;
    full = found.length === SEEN_AT_ONCE;
  }
  return (bind: Bind) => [`${uid} = any(${bind(uids)}::uuid[])`];
}

async function label(
  { sql, projectId }: Transaction,
  { input }: CallOf<typeof labelPipelineOperation>,
): Promise<PipelineHead> {
  const { uid } = await requirePipeline(sql, projectId, input.name);
  const [row] = await sql.query<HeadRow>(
    `update executions.pipeline r set display_name = coalesce($2, r.display_name),
       tags = coalesce($3::jsonb, r.tags), updated_at = clock_timestamp()
     where r.uid = $1 returning ${HEAD_COLUMNS}`,
    [uid, input.displayName ?? null, input.tags === undefined ? null : JSON.stringify(input.tags)],
    'label_pipeline',
  );
  if (row === undefined) throw new Error(`pipeline ${uid} was deleted within the transaction`);
  return presentHead(row);
}

function presentHead(row: HeadRow): PipelineHead {
  return {
    id: row.uid,
    name: row.name,
    displayName: row.display_name ?? row.name,
    ...(row.description !== null && { description: row.description }),
    tags: { ...row.tags },
    createdAt: row.created_at.getTime(),
    updatedAt: row.updated_at.getTime(),
  };
}
