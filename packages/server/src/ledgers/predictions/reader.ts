/** Predictions for other ledgers: whole, by the platform itself. Who is shown what of it is their business. */
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sql } from '#engines/database/contract.ts';
import type { Column, FileTable } from '#engines/query/contract.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Collector } from './collect.ts';
import { firstIdOf } from './first-id.ts';
import { oldestFiles, withFiles, type FileRow } from './file-rows.ts';
import { keyColumns, labelLines, LABEL_COLUMNS } from './label-rows.ts';
import { labelledView } from './labelled-view.ts';
import type { PredictionsParts } from './predictions-parts.ts';
import { filesBetween } from './reading.ts';

interface PredictionsOf {
  readonly projectId: string;
  readonly endpoint: string;
}

/** Milliseconds since 1970. */
interface Time {
  readonly from: number;
  readonly until?: number | undefined;
}

/** Rows of files that overlap a time: whoever reads them filters by `predicted_at`. */
export interface FoundPredictions {
  readonly tables: Readonly<Record<string, FileTable>>;
  readonly relation: Relation;
  readonly columns: readonly Column[];
}

/** Files of this much more at both ends: a prediction has its id when its request comes, and its time when that is answered. */
export interface LabelledPredictions extends FoundPredictions {
  /** The same with `label` and `label_at`, NULL where nobody told what was true. */
  readonly labelled: Relation;
  /** What was told of predictions of this time and a little before it, by their ids and by keys; columns as `labels` of a query has. */
  readonly labels: Relation;
}

/** From the id of a prediction to its time: what takes longer is told of the window of its id, and of no other. */
const LONGEST_MS = 10 * 60_000;

export class PredictionReader {
  readonly #parts: PredictionsParts;
  readonly #collector: Collector;

  constructor(parts: PredictionsParts, collector: Collector) {
    this.#parts = parts;
    this.#collector = collector;
  }

  /** Takes over all that was answered before the call. */
  async collect(signal: AbortSignal): Promise<void> {
    await this.#collector.collect(signal);
  }

  /** Files with predictions from a time on, oldest first. */
  async files({ projectId, endpoint }: PredictionsOf, from: number, limit: number): Promise<readonly FileRow[]> {
    return await transact(
      this.#parts.database,
      { mode: 'read', projectId },
      async ({ sql }) => await oldestFiles(sql, { projectId, name: endpoint, from, limit }),
    );
  }

  /** `files`: those that are meant; default all of the time. They stay until `work` has ended. @throws DaisError `query_limit`. */
  async withRows<T>(
    { projectId, endpoint }: PredictionsOf,
    time: Time,
    work: (found: FoundPredictions) => Promise<T>,
    files?: readonly FileRow[],
  ): Promise<T> {
    const wanted = files ?? (await filesBetween(this.#parts, projectId, endpoint, time));
    return await withFiles(this.#parts, projectId, wanted, work);
  }

  async withLabels<T>(
    of: PredictionsOf,
    { from, until }: { readonly from: number; readonly until: number },
    work: (found: LabelledPredictions) => Promise<T>,
  ): Promise<T> {
    const labels = { from: from - LONGEST_MS, until };
    const rows = { from: from - LONGEST_MS, until: until + LONGEST_MS };
    const scratch = join(this.#parts.folder, uuidv7());
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    try {
      const path = join(scratch, 'labels.ndjson');
      await pipeline(Readable.from(labelLines(this.#parts, of, labels)), createWriteStream(path, { mode: 0o600 }));
      const keys = await keyColumns(this.#parts, of);
      const table: FileTable = { files: [{ path, name: 'labels', format: 'ndjson' }], columns: LABEL_COLUMNS };
      return await this.withRows(of, rows, async (found) => {
        const tables = { ...found.tables, labels: table };
        const labelled = labelledView(found.relation, found.columns, keys);
        return await work({ ...found, tables, labelled, labels: { type: 'scan', table: 'labels' } });
      });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
}

/**
 * How many labels there are for predictions of each time: by id those of its predictions, by key all that were told since
 * it began. Another count than before: something was told of it.
 */
export async function countLabels(
  sql: Sql,
  { projectId, endpoint }: PredictionsOf,
  times: readonly { readonly from: number; readonly until: number }[],
): Promise<readonly number[]> {
  const rows = await sql.query<{ n: number }>(
    `select (
       (select count(*) from predictions.label l where l.project_id = $1 and l.endpoint = $2
          and l.prediction >= t.first and l.prediction < t.last)
       + (select count(*) from predictions.label l where l.project_id = $1 and l.endpoint = $2
          and l.prediction is null and l.id >= t.first))::int as n
     from unnest($3::uuid[], $4::uuid[]) with ordinality as t (first, last, at) order by t.at`,
    [
      projectId,
      endpoint,
      times.map(({ from }) => firstIdOf(from - LONGEST_MS)),
      times.map(({ until }) => firstIdOf(until)),
    ],
    'count_labels_of_times',
  );
  return rows.map(({ n }) => n);
}
