/** Imports evaluation datasets with their records, and scorers. */
import { DaisError } from '@dais/api';
import {
  importEvaluationDatasetOperation,
  importEvaluationRecordsOperation,
  importScorerOperation,
  listEvaluationRecordsOperation,
  type EvaluationRecord,
} from '@dais/api/tracking';
import type { DaisTarget, Known } from './dais-target.ts';
import { fingerprint } from './fingerprint.ts';
import type { SourceDataset, SourceExperiment, TrackingSource } from './source.ts';
import type { Tally } from './tally.ts';

/** In one request: also limited in characters, so that its body stays below the limit of a server. */
const RECORDS_AT_ONCE = 500;
const TEXT_AT_ONCE = 4_000_000;

export interface EvaluationImportDependencies {
  readonly source: TrackingSource;
  readonly target: DaisTarget;
  readonly tally: Tally;
  readonly dryRun: boolean;
  readonly all: boolean;
  readonly signal: AbortSignal;
  readonly failed: (what: string, error: unknown) => void;
}

/**
 * @param targets experiment numbers in Dais, by their numbers at the source
 */
export async function importDatasets(
  dependencies: EvaluationImportDependencies,
  targets: ReadonlyMap<string, { readonly id: string }>,
): Promise<void> {
  const { source, target, tally, dryRun, all, signal, failed } = dependencies;
  const known = await target.known('evaluation-dataset');
  for await (const dataset of source.evaluationDatasets()) {
    tally.found.evaluationDatasets += 1;
    const state = fingerprint(dataset);
    if (!all && known.get(dataset.id)?.state === state) continue;
    signal.throwIfAborted();
    try {
      if (!dryRun) {
        await importDataset(dependencies, dataset, targets);
        await target.note('evaluation-dataset', dataset.id, dataset.id, state);
      }
      tally.written.evaluationDatasets += 1;
    } catch (error) {
      failed(`evaluation dataset "${dataset.name}" (${dataset.id})`, error);
    }
  }
}

async function importDataset(
  { source, target, tally }: EvaluationImportDependencies,
  dataset: SourceDataset,
  targets: ReadonlyMap<string, { readonly id: string }>,
): Promise<void> {
  const { experimentIds, ...record } = dataset;
  const here = experimentIds.flatMap((id) => targets.get(id)?.id ?? []);
  const input = { ...record, source: target.source, experimentIds: here };
  await target.client.perform(importEvaluationDatasetOperation, input, target.settings);
  const digests = new Map<string, string>();
  for await (const page of source.evaluationRecords(dataset.id)) {
    for (const records of pieces(page)) {
      await target.client.perform(importEvaluationRecordsOperation, { id: dataset.id, records }, target.settings);
    }
    for (const one of page) digests.set(one.id, fingerprint(one));
  }
  const total = digests.size;
  await compareRecords(target, dataset.id, digests);
  tally.add({ records: total });
}

function pieces(records: readonly EvaluationRecord[]): EvaluationRecord[][] {
  const all: EvaluationRecord[][] = [];
  let size = Infinity;
  for (const record of records) {
    const length = JSON.stringify(record).length;
    const last = all.at(-1);
    if (last === undefined || size + length > TEXT_AT_ONCE || last.length >= RECORDS_AT_ONCE) {
      all.push([record]);
      size = length;
    } else {
      last.push(record);
      size += length;
    }
  }
  return all;
}

/** Verifies that everything that was sent is stored unchanged. @throws DaisError `digest_mismatch`. */
async function compareRecords(target: DaisTarget, id: string, digests: Map<string, string>): Promise<void> {
  let cursor: string | undefined;
  do {
    const input = { id, limit: 1000, ...(cursor !== undefined && { cursor }) };
    const page = await target.client.perform(listEvaluationRecordsOperation, input, target.settings);
    for (const record of page.items) {
      if (digests.get(record.id) === fingerprint(record)) digests.delete(record.id);
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const [first] = digests.keys();
  if (first === undefined) return;
  const more = digests.size === 1 ? '' : ` and ${digests.size - 1} more`;
  throw new DaisError('digest_mismatch', `Differs from the source: record ${first}${more} of dataset ${id}.`);
}

export async function importScorers(
  { source, target, tally, dryRun, all, signal, failed }: EvaluationImportDependencies,
  experiment: SourceExperiment,
  targetExperiment: { readonly id: string } | undefined,
  known: Known,
): Promise<void> {
  for await (const scorer of source.scorers(experiment)) {
    tally.found.scorers += 1;
    const sourceId = `${experiment.id}/${scorer.name}/${scorer.version}`;
    const state = fingerprint(scorer);
    if (!all && known.get(sourceId)?.state === state) continue;
    signal.throwIfAborted();
    try {
      if (!dryRun && targetExperiment !== undefined) {
        const input = { ...scorer, source: target.source, experimentId: targetExperiment.id };
        const { id } = await target.client.perform(importScorerOperation, input, target.settings);
        await target.note('scorer', sourceId, `${targetExperiment.id}/${id}/${scorer.version}`, state);
      }
      tally.written.scorers += 1;
    } catch (error) {
      failed(`scorer "${scorer.name}" version ${scorer.version} of experiment "${experiment.name}"`, error);
    }
  }
}
