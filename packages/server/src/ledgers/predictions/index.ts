/** Predictions: captured requests and responses, ground truth, and erasure. */
import type { Prediction, readPredictionOperation } from '@dais/api/serving';
import type { CallOf, OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { detachContent } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { Loop } from '#lib/concurrency/loop.ts';
import { Collector } from './collect.ts';
import { COLLECT_CHANNEL, NodeCollections } from './node-collections.ts';
import { namePredictionOwners } from './file-rows.ts';
import { erasureHandler } from './erase.ts';
import { predictionNodes } from './lineage-nodes.ts';
import { predictionsEntries } from './predictions-entries.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { predictionsSlice } from './predictions-slice.ts';
import { PredictionReader } from './reader.ts';
import { getPrediction } from './query.ts';
import { maintenanceHandler } from './maintenance.ts';

export { predictionsSlice } from './predictions-slice.ts';
export type { FileRow } from './file-rows.ts';
export { firstIdOf } from './first-id.ts';
export type { FoundPredictions, LabeledPredictions, PredictionReader } from './reader.ts';
export { countLabels } from './reader.ts';
export type { MissingCollections } from './node-collections.ts';
export type { PredictionsDependencies } from './predictions-dependencies.ts';

/** From one collection without a reader to the next. */
const COLLECT_MS = 15_000;

export interface PredictionsLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** For ledgers that read predictions. */
  readonly reader: PredictionReader;
  /**
   * Collects the segments of this node's gateway from time to time: only this machine can read them. Also on a node without a
   * gateway, whose role may have changed.
   */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Collects what the gateway of this node wrote before it ended, for at most `ms`: in a pod, the files end with the process. */
  readonly collectLast: (ms: number) => Promise<void>;
  /** Returns one prediction as the reader may see it. @throws DaisError `not_found`. */
  readonly get: (call: CallOf<typeof readPredictionOperation>) => Promise<Prediction>;
}

export function predictionsLedger(dependencies: PredictionsDependencies): PredictionsLedger {
  const collector = new Collector(dependencies);
  const collections = new NodeCollections(dependencies, collector);
  const stopping = new AbortController();
  const pollMs = dependencies.collectMs ?? COLLECT_MS;
  const loop = new Loop('prediction collection', { ...dependencies, pollMs }, async () => {
    await collections.collect(stopping.signal).catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
    return false;
  });
  return {
    reader: new PredictionReader(dependencies, collections),
    entries: predictionsEntries(dependencies, collector),
    jobs: [maintenanceHandler(dependencies), erasureHandler(dependencies, collections)],
    start: async () =>
      await loop.start(async (wake) => await dependencies.database.listen(COLLECT_CHANNEL, () => wake())),
    stop: async () => {
      stopping.abort();
      await loop.stop();
    },
    collectLast: async (ms) => {
      const last = collections.collect(AbortSignal.timeout(ms)).catch((error: unknown) => {
        dependencies.log.warn(
          'could not collect the last predictions; a later start from the same folder collects them',
          { error },
        );
      });
      await Promise.race([last, new Promise<void>((resolve) => void dependencies.clock.after(ms, resolve))]);
    },
    get: async (call) => await getPrediction(dependencies, collector, call),
  };
}

/** Deletes the predictions, labels and erasures of a deleted project. */
async function forgetProjectPredictions(tx: Transaction, projectId: string): Promise<void> {
  const files = await tx.sql.query<{ id: string }>(
    'delete from predictions.file where project_id = $1 returning id',
    [projectId],
    'forget_project_predictions',
  );
  for (const { id } of files) await detachContent(tx, { projectId, uid: id });
  await tx.sql.query(
    'delete from predictions.label where project_id = $1',
    [projectId],
    'forget_project_received_labels',
  );
  await tx.sql.query('delete from predictions.erasure where project_id = $1', [projectId], 'forget_project_erasures');
}

export const ledger: LedgerDefinition<PredictionsDependencies, PredictionsLedger> = {
  name: 'predictions',
  slice: predictionsSlice,
  project: { remove: async (tx, { id }) => await forgetProjectPredictions(tx, id) },
  nameOwners: namePredictionOwners,
  lineageNodes: [predictionNodes],
  open: predictionsLedger,
};
