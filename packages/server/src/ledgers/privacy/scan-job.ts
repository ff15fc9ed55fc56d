/** Scans a version for personal data after its creation. */
import { setImmediate as turn } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import { call, cast, column, literal, named } from '#engines/query/model/build.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import type { Query } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { JobFailed } from '#kernel/job-runner.ts';
import type { NewJob } from '#kernel/jobs.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { ColumnScan } from '#lib/detectors/column-findings.ts';
import { TEXT_LIMIT } from '#lib/detectors/detector.ts';
import { requireDatasetResource } from './datasets.ts';
import type { PrivacyDependencies } from './privacy-dependencies.ts';
import { failScan, noteScan, recordScan, type ScanResult } from './record-scan.ts';

const QUEUE = 'privacy scan';
/** Sample size; a value in 1 % of the rows is detected with a probability of 99.996 %. */
const SAMPLE_ROWS = 1000;
/** Columns per query, which keeps results below 64 MiB. */
const COLUMNS_AT_ONCE = 25;
/** Milliseconds after which the job yields to others. */
const SLICE_MS = 8;

/** Runs in the transaction that creates the version. */
export async function enqueueScan(
  tx: Transaction,
  { id, dataset, number }: Pick<DatasetVersion, 'id' | 'dataset' | 'number'>,
  now: number,
): Promise<void> {
  const { uid } = await requireDatasetResource(tx, dataset);
  await noteScan(tx, { version: id, number, dataset: { uid, name: dataset } }, now);
  tx.enqueue(scanOf(tx.projectId, id));
}

function scanOf(projectId: string, version: string): NewJob {
  return { queue: QUEUE, projectId, payload: { version }, uniqueKey: version, maxAttempts: 5 };
}

export function scanHandler(dependencies: PrivacyDependencies): JobHandler {
  const { now, versions } = dependencies;
  return {
    queue: QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 2000, capMs: 300_000 },
    run: async ({ payload }, io) => {
      const id = String(payload['version']);
      const found = await io.read(async (tx) => {
        const version = await versions.readVersion(tx, id);
        return { version, dataset: await requireDatasetResource(tx, version.dataset) };
      });
      const { version, dataset } = found;
      if (version.state === 'deleted' || version.state === 'broken')
        throw new JobFailed(`the version is ${version.state}`);
      const result = await scan(dependencies, version, io.signal);
      await io.write(
        async (tx) => await recordScan(tx, { version: id, number: version.number, dataset }, result, now()),
      );
      return { columns: result.columns, rows: result.rows, findings: result.findings.length };
    },
    ended: async (tx, job, end) => {
      if (end.state !== 'failed' && end.state !== 'canceled') return;
      await tx.enter(job.projectId);
      await failScan(tx, String(job.payload['version']), end.error ?? 'it was canceled', now());
    },
  };
}

/** Whether values of a type can be personal. Names of columns are checked for all types. */
function holdsText(type: string): boolean {
  return (
    type === 'string' || /^u?int(32|64)$/.test(type) || /^decimal\(\d+,0\)$/.test(type) || /^(list|struct)</.test(type)
  );
}

async function scan(
  dependencies: PrivacyDependencies,
  version: DatasetVersion,
  signal: AbortSignal,
): Promise<ScanResult> {
  const { columns } = version.schema;
  // Loaded on demand, because the data of phone numbers slows the start.
  const { ColumnScan } = await import('#lib/detectors/column-findings.ts');
  const scans = new Map(columns.map(({ name }) => [name, new ColumnScan(name)]));
  const read = columns.filter(({ type }) => holdsText(type));
  const rows = Math.min(version.rows, SAMPLE_ROWS);
  if (read.length > 0 && rows > 0) {
    await dependencies.versions.withFiles(version, async (files) => {
      const engine = await dependencies.query();
      for (let from = 0; from < read.length; from += COLUMNS_AT_ONCE) {
        const names = read.slice(from, from + COLUMNS_AT_ONCE).map(({ name }) => name);
        const table = { files, columns: columns.map(({ name, type }) => ({ name, type: type as ColumnType })) };
        const query = sampleOf(names, version);
        const output = { type: 'rows', limit: SAMPLE_ROWS } as const;
        const result = await engine.run(
          { tables: { version: table }, query, output, owner: version.project },
          { signal },
        );
        await see(
          names.map((name) => scans.get(name)),
          result.rows,
          signal,
        );
      }
    });
  }
  const findings = [...scans].flatMap(([name, one]) => one.findings().map((finding) => ({ ...finding, column: name })));
  return { columns: columns.length, rows, findings };
}

/** Samples with a seed from the digest of the version, so that repeated scans read the same rows. */
function sampleOf(names: readonly string[], { digest, rows }: DatasetVersion): Query {
  const scanned: Query = { type: 'scan', table: 'version', columns: names };
  const seed = Number.parseInt(digest.slice(0, 7), 16);
  const sampled: Query =
    rows <= SAMPLE_ROWS ? scanned : { type: 'sample', from: scanned, size: { rows: SAMPLE_ROWS }, seed };
  return {
    type: 'project',
    from: sampled,
    keep: 'none',
    columns: names.map((name) =>
      named(name, call('left', cast(column(name), 'string', { lenient: true }), literal(TEXT_LIMIT))),
    ),
  };
}

async function see(
  scans: readonly (ColumnScan | undefined)[],
  rows: readonly (readonly Cell[])[],
  signal: AbortSignal,
): Promise<void> {
  let started = performance.now();
  for (const row of rows) {
    for (const [at, value] of row.entries()) if (typeof value === 'string') scans[at]?.see(value);
    if (performance.now() - started < SLICE_MS) continue;
    await turn();
    signal.throwIfAborted();
    started = performance.now();
  }
}

/** Requires a version with files. @throws DaisError `invalid_state` */
export function requireScannable({ dataset, number, state }: DatasetVersion): void {
  if (state !== 'deleted' && state !== 'broken') return;
  throw new DaisError('invalid_state', `${dataset}@${number} is ${state}. There is nothing to scan.`);
}
