/** Updates findings from the result of a scan: new ones are open, known ones are updated, others are gone. */
import { eventTypes } from '@dais/api';
import { type DataScan } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';
import type { ColumnFinding } from '#lib/detectors/column-findings.ts';
import { redactExample } from '#lib/detectors/redact-example.ts';
import { uuidv7 } from '#lib/ids.ts';
import { emitAbout } from './datasets.ts';

export interface ScannedVersion {
  readonly version: string;
  readonly number: number;
  readonly dataset: { readonly uid: string; readonly name: string };
}

export interface ScanResult {
  readonly columns: number;
  readonly rows: number;
  readonly findings: readonly (ColumnFinding & { readonly column: string })[];
}

/** Enqueues a scan; a completed scan is repeated. */
export async function noteScan(
  tx: Transaction,
  { version, number, dataset }: ScannedVersion,
  now: number,
): Promise<void> {
  await tx.sql.query(
    `insert into privacy.scan (version, project_id, dataset, number, state, requested_at) values ($1, $2, $3, $4, 'pending', $5)
     on conflict (version) do update set state = 'pending', error = null, ended_at = null, requested_at = excluded.requested_at`,
    [version, tx.projectId, dataset.uid, number, now],
    'note_scan',
  );
}

export async function failScan(tx: Transaction, version: string, error: string, now: number): Promise<void> {
  await tx.sql.query(
    `update privacy.scan set state = 'failed', error = $2, ended_at = $3 where version = $1`,
    [version, error.slice(0, 2000), now],
    'fail_scan',
  );
}

interface UpdatedFinding {
  readonly id: string;
  readonly column: string;
  readonly entity: string;
  readonly confidence: number;
  readonly opened: boolean;
}

/** Records a result. Idempotent. A scan of an older version only adds findings. */
export async function recordScan(
  tx: Transaction,
  { version, number, dataset }: ScannedVersion,
  { columns, rows, findings }: ScanResult,
  now: number,
): Promise<void> {
  await tx.sql.query(
    `update privacy.scan set state = 'succeeded', columns = $2, rows = $3, findings = $4, error = null, ended_at = $5
     where version = $1`,
    [version, columns, rows, findings.length, now],
    'end_scan',
  );
  const value = (of: (finding: ScanResult['findings'][number]) => unknown) => findings.map(of);
  const updated = await tx.sql.query<UpdatedFinding>(
    `with seen as (
       select * from unnest($4::uuid[], $5::text[], $6::text[], $7::real[], $8::real[], $9::text[], $10::text[])
         as t (id, "column", entity, confidence, share, evidence, example)
     ), before as (
       select f."column", f.entity, f.state from privacy.finding f where f.dataset = $2 for update
     )
     insert into privacy.finding as f (id, project_id, dataset, name, "column", entity, confidence, share, evidence, example,
       state, first_version, last_version, found_at)
     select s.id, $1, $2, $3, s."column", s.entity, s.confidence, s.share, s.evidence, s.example, 'open', $11, $11, $12
     from seen s
     on conflict (dataset, "column", entity) do update set
       confidence = excluded.confidence, share = excluded.share, evidence = excluded.evidence, example = excluded.example,
       name = excluded.name, last_version = greatest(f.last_version, excluded.last_version),
       state = case when f.state = 'gone' then 'open' else f.state end
     returning f.id, f."column", f.entity, f.confidence,
       not exists (select from before b where b."column" = f."column" and b.entity = f.entity and b.state <> 'gone') as opened`,
    [
      tx.projectId,
      dataset.uid,
      dataset.name,
      value(() => uuidv7(now)),
      value(({ column }) => column),
      value(({ entity }) => entity),
      value(({ confidence }) => confidence),
      value(({ share }) => share),
      value(({ evidence }) => evidence),
      value(({ example }) => (example === undefined ? null : redactExample(example))),
      number,
      now,
    ],
    'record_findings',
  );
  await tx.sql.query(
    `update privacy.finding f set state = 'gone' where f.dataset = $1 and f.state = 'open' and f.last_version < $2
       and not exists (select from privacy.scan s where s.dataset = $1 and s.number > $2 and s.state = 'succeeded')`,
    [dataset.uid, number],
    'gone_findings',
  );
  for (const { id, column, entity, confidence, opened } of updated) {
    if (!opened) continue;
    const data = { finding: id, column, entity, version: number, confidence: Math.round(confidence * 100) / 100 };
    emitAbout(tx, dataset, eventTypes.findingOpened, data);
  }
}

interface ScanRow {
  readonly number: number;
  readonly state: DataScan['state'];
  readonly columns: number;
  readonly rows: number;
  readonly findings: number;
  readonly error: string | null;
  readonly ended_at: bigint | null;
}

/** Undefined without a scan. */
export async function readScan(tx: Transaction, version: string, dataset: string): Promise<DataScan | undefined> {
  const [row] = await tx.sql.query<ScanRow>(
    'select number, state, columns, rows, findings, error, ended_at from privacy.scan where version = $1',
    [version],
    'read_scan',
  );
  if (row === undefined) return undefined;
  const { number, state, columns, rows, findings, error, ended_at: ended } = row;
  return {
    dataset,
    version: number,
    state,
    columns,
    rows,
    findings,
    ...(error !== null && { error }),
    ...(ended !== null && { endedAt: Number(ended) }),
  };
}
