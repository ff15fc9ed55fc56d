/** Predictions for other ledgers: complete, read by the platform itself. The callers apply permissions. */
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
import type { MissingCollections, NodeCollections } from './node-collections.ts';
import { firstIdOf } from './first-id.ts';
import { oldestFiles, withFiles, type FileRow } from './file-rows.ts';
import { keyColumns, labelLines, LABEL_COLUMNS } from './label-rows.ts';
import { labeledView } from './labeled-view.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { filesBetween } from './prediction-access.ts';

interface PredictionsOf {
  readonly projectId: string;
  readonly endpoint: string;
}

/** Milliseconds since 1970. */
interface Time {
  readonly from: number;
  readonly until?: number | undefined;
}

/** Rows of files that overlap a period: filter them by `predicted_at`. */
export interface FoundPredictions {
  readonly tables: Readonly<Record<string, FileTable>>;
  readonly relation: Relation;
  readonly columns: readonly Column[];
}

/** Margin for files at both bounds: the id has the time of the request, and `predicted_at` the time of the response. */
export interface LabeledPredictions extends FoundPredictions {
  /** The same with `label` and `label_at`, NULL without ground truth. */
  readonly labeled: Relation;
  /**
   * Labels of predictions in this period and shortly before, by prediction id and by key; columns as `labels` of a
   * query.
   */
  readonly labels: Relation;
}

/**
 * Longest time between the id of a prediction and its response; a later response belongs to the window of its id only.
 */
const LONGEST_MS = 10 * 60_000;

export class PredictionReader {
  readonly #dependencies: PredictionsDependencies;
  readonly #collections: NodeCollections;

  constructor(dependencies: PredictionsDependencies, collections: NodeCollections) {
    this.#dependencies = dependencies;
    this.#collections = collections;
  }

  /**
   * Collects everything that this node served before the call, and what others served before `until` (in ms). Returns the nodes
   * whose predictions are missing: they do not run, or did not collect within a minute.
   */
  async collect(signal: AbortSignal, until: number): Promise<MissingCollections> {
    return await this.#collections.collectEverywhere(signal, until);
  }

  /** Returns files with predictions after a time, oldest first. */
  async files({ projectId, endpoint }: PredictionsOf, from: number, limit: number): Promise<readonly FileRow[]> {
    return await transact(
      this.#dependencies.database,
      { mode: 'read', projectId },
      async ({ sql }) => await oldestFiles(sql, { projectId, name: endpoint, from, limit }),
    );
  }

  /** `files`: default all of the period. They are available until `work` ends. @throws DaisError `query_limit`. */
  async withRows<T>(
    { projectId, endpoint }: PredictionsOf,
    time: Time,
    work: (found: FoundPredictions) => Promise<T>,
    files?: readonly FileRow[],
  ): Promise<T> {
    const selected = files ?? (await filesBetween(this.#dependencies, projectId, endpoint, time));
    return await withFiles(this.#dependencies, projectId, selected, work);
  }

  async withLabels<T>(
    of: PredictionsOf,
    { from, until }: { readonly from: number; readonly until: number },
    work: (found: LabeledPredictions) => Promise<T>,
  ): Promise<T> {
    const labels = { from: from - LONGEST_MS, until };
    const rows = { from: from - LONGEST_MS, until: until + LONGEST_MS };
    const scratch = join(this.#dependencies.folder, uuidv7());
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    try {
      const path = join(scratch, 'labels.ndjson');
      await pipeline(
        Readable.from(labelLines(this.#dependencies, of, labels)),
        createWriteStream(path, { mode: 0o600 }),
      );
      const keys = await keyColumns(this.#dependencies, of);
      const table: FileTable = { files: [{ path, name: 'labels', format: 'ndjson' }], columns: LABEL_COLUMNS };
      return await this.withRows(of, rows, async (found) => {
        const tables = { ...found.tables, labels: table };
        const labeled = labeledView(found.relation, found.columns, keys);
        return await work({ ...found, tables, labeled, labels: { type: 'scan', table: 'labels' } });
      });
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
}

/**
 * Returns the number of labels for each period: by id for its predictions, by key all since its start. A changed count
 * means new labels.
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
