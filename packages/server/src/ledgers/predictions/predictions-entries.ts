import {
  erasePredictionsOperation,
  exportPredictionsOperation,
  labelPredictionsOperation,
  listPredictionFilesOperation,
  listPredictionLabelsOperation,
  queryPredictionsOperation,
  readErasureOperation,
  readPredictionOperation,
  tailPredictionsOperation,
  unmaskPredictionsOperation,
  type PredictionFile,
} from '@dais/api/serving';
import { DaisError } from '@dais/api';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { cloudEvents } from './cloud-events.ts';
import type { Collector } from './collect.ts';
import { requestErasure, readErasure } from './erase.ts';
import { listFileRows, type FileRow } from './file-rows.ts';
import { addLabels, listLabels } from './label-rows.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { exportRows, getPrediction, queryPredictions, latestPredictions } from './query.ts';
import { maskOf } from './prediction-access.ts';

export function predictionsEntries(
  dependencies: PredictionsDependencies,
  collector: Collector,
): readonly OperationEntry[] {
  const now = () => dependencies.clock.now();
  return [
    entry(queryPredictionsOperation, { perform: (call) => queryPredictions(dependencies, collector, call) }),
    entry(tailPredictionsOperation, { perform: (call) => latestPredictions(dependencies, collector, call) }),
    entry(readPredictionOperation, { perform: (call) => getPrediction(dependencies, collector, call) }),
    entry(exportPredictionsOperation, { perform: (call) => exportPredictions(dependencies, collector, call) }),
    entry(listPredictionFilesOperation, listFiles),
    entry(unmaskPredictionsOperation, { perform: async (call) => ({ items: await maskOf(dependencies, call) }) }),
    entry(erasePredictionsOperation, async (tx, call) => await requestErasure(tx, call, now())),
    entry(readErasureOperation, readErasure),
    entry(labelPredictionsOperation, async (tx, call) => await addLabels(tx, call, now())),
    entry(listPredictionLabelsOperation, listLabels),
  ];
}

async function exportPredictions(
  dependencies: PredictionsDependencies,
  collector: Collector,
  call: CallOf<typeof exportPredictionsOperation>,
) {
  const { rows, more } = await exportRows(dependencies, collector, call);
  const { events, last } = cloudEvents(rows, call.tenant.name);
  return { events, ...(more && last !== undefined && { after: last }) };
}

async function listFiles(
  tx: Transaction,
  { input, tenant }: CallOf<typeof listPredictionFilesOperation>,
): Promise<{ items: PredictionFile[]; nextCursor?: string }> {
  const filter = ['prediction-files', tenant.id, input.endpoint];
  const cursor = decodePageCursor(filter, input.cursor);
  const [, hour, id] = /^(\d{1,15}) ([\da-f-]{36})$/.exec(cursor ?? '') ?? [];
  if (cursor !== undefined && (hour === undefined || id === undefined)) {
    throw new DaisError('invalid_cursor', 'The cursor is not from this list.');
  }
  const position = hour === undefined || id === undefined ? undefined : { hour, id };
  const of = { projectId: tenant.id, name: input.endpoint, position, limit: input.limit + 1 };
  const { page, next } = cutPage(await listFileRows(tx.sql, of), input.limit, filter, (row) => `${row.hour} ${row.id}`);
  return { items: page.map(presentFile), ...next };
}

function presentFile(row: FileRow): PredictionFile {
  return {
    id: row.id,
    endpoint: row.name,
    hour: Number(row.hour),
    predictions: row.predictions,
    rows: row.rows,
    erased: row.erased,
    bytes: Number(row.bytes),
    models: [...row.models],
    createdAt: Number(row.created_at),
  };
}
