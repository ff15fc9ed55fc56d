/** The state of a dataset that its controller reads. */
import type { DatasetVersionState, IngestProblem, IngestState } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';

interface VersionFacts {
  readonly number: number;
  readonly state: DatasetVersionState;
  readonly reason: string | undefined;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: number;
  readonly createdAt: number;
}

export interface DatasetFacts {
  readonly ready: VersionFacts | undefined;
  /** The newest version that was not deleted. */
  readonly newest: VersionFacts | undefined;
  /** Why the latest ingest failed; undefined if it succeeded. */
  readonly failed: string | undefined;
}

interface Row {
  readonly number: number;
  readonly state: DatasetVersionState;
  readonly reason: string | null;
  readonly rows: bigint;
  readonly bytes: bigint;
  readonly columns: number;
  readonly created_at: bigint;
}

export async function readDatasetFacts({ sql, projectId }: Transaction, name: string): Promise<DatasetFacts> {
  const newestOf = async (condition: string, statement: string) => {
    const [row] = await sql.query<Row>(
      `select v.number, v.state, v.reason, v.rows, v.bytes, jsonb_array_length(v.schema -> 'columns') as columns, v.created_at
       from data.version v join data.dataset d on d.id = v.dataset
       where d.project_id = $1 and d.name = $2 and ${condition} order by v.number desc limit 1`,
      [projectId, name],
      statement,
    );
    return row === undefined ? undefined : factsOf(row);
  };
  const [ended] = await sql.query<{ state: IngestState; errors: readonly IngestProblem[] }>(
    `select i.state, i.errors from data.ingest i join data.dataset d on d.id = i.dataset
     where d.project_id = $1 and d.name = $2 and i.ended_at is not null and i.state <> 'canceled'
     order by i.ended_at desc limit 1`,
    [projectId, name],
    'last_ingest',
  );
  return {
    ready: await newestOf(`v.state = 'ready'`, 'facts_ready'),
    newest: await newestOf(`v.state <> 'deleted'`, 'facts_newest'),
    failed:
      ended?.state === 'failed' ? (ended.errors[0]?.message ?? 'The reason is unknown.').slice(0, 1000) : undefined,
  };
}

function factsOf({ created_at: createdAt, reason, rows, bytes, ...row }: Row): VersionFacts {
  return {
    ...row,
    reason: reason ?? undefined,
    rows: Number(rows),
    bytes: Number(bytes),
    createdAt: Number(createdAt),
  };
}
