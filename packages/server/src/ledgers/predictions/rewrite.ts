/** Replaces files: merges small ones, erases values. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { uuidv7 } from '#lib/ids.ts';
import {
  deleteFiles,
  insertFile,
  storePredictions,
  withFiles,
  type FileRow,
  type LocalPredictions,
} from './file-rows.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';

export interface RewriteOptions {
  /** Files of one endpoint and hour. */
  readonly files: readonly FileRow[];
  readonly relation: (local: LocalPredictions) => Relation;
  /** Condition for the rows to erase. */
  readonly erased: number;
  readonly signal: AbortSignal;
  /** Runs in the transaction that replaces the files. */
  readonly also?: (tx: Transaction) => Promise<void>;
}

/** Returns false if one of the files was replaced meanwhile. */
export async function rewriteFiles(
  dependencies: PredictionsDependencies,
  { files, relation, erased, signal, also }: RewriteOptions,
): Promise<boolean> {
  const [first] = files;
  if (first === undefined) return true;
  const { project_id: projectId } = first;
  const scratch = join(dependencies.folder, uuidv7());
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  try {
    const sum = (of: (file: FileRow) => number) => files.reduce((total, file) => total + of(file), 0);
    const rows = sum((file) => file.rows);
    const written = await withFiles(dependencies, projectId, files, async (local) => {
      const engine = await dependencies.query();
      const query = relation(local);
      const output = { type: 'parquet', folder: scratch, name: 'predictions', split: { type: 'one' } } as const;
      const result = await engine.run({ tables: local.tables, query, output, owner: projectId }, { signal });
      return { file: result.files[0], columns: result.columns };
    });
    if (written.file === undefined || written.file.rows !== rows)
      throw new Error('the number of rows in the new file differs');
    const stored = await storePredictions(
      dependencies,
      {
        ...first,
        predictions: sum((file) => file.predictions),
        rows,
        erased: sum((file) => file.erased) + erased,
        columns: written.columns,
        models: [...new Set(files.flatMap(({ models }) => models))].toSorted(),
        first_at: files.map((file) => file.first_at).reduce((a, b) => (a < b ? a : b)),
        last_at: files.map((file) => file.last_at).reduce((a, b) => (a > b ? a : b)),
      },
      written.file.path,
    );
    const done = await transact(dependencies.database, { mode: 'write', projectId }, async (tx) => {
      const existing = await tx.sql.query(
        'select id from predictions.file where id = any($1::uuid[]) for update',
        [files.map(({ id }) => id)],
        'lock_prediction_files',
      );
      if (existing.length !== files.length) return false;
      await deleteFiles(tx, files);
      await insertFile(
        tx,
        stored,
        dependencies.clock.now(),
        files.map(({ id }) => id),
      );
      await also?.(tx);
      return true;
    });
    if (!done) await dependencies.content.release({ id: stored.lease, projectId });
    return done;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
