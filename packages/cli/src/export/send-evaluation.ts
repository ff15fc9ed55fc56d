/** Exports evaluation datasets and scorers to a running server. Both get new ids there. */
import type { EvaluationDataset, EvaluationRecord, Scorer } from '@dais/api/tracking';
import { fingerprint } from '#import/fingerprint.ts';
import {
  API_3,
  list,
  OLD_ID,
  searched,
  STATE,
  text,
  type Json,
  type ServerDependencies,
} from './server-dependencies.ts';

const RECORDS_AT_ONCE = 500;

interface DatasetThere {
  readonly id: string;
  readonly state: string | undefined;
}

export async function sendDatasets(dependencies: ServerDependencies): Promise<void> {
  const { rest, source, tally, signal, failed } = dependencies;
  let there: Map<string, DatasetThere> | undefined;
  for await (const dataset of source.evaluationDatasets()) {
    signal.throwIfAborted();
    tally.found.evaluationDatasets += 1;
    if (there === undefined) {
      there = new Map();
      for await (const json of searched(rest, `${API_3}/datasets/search`, { max_results: 1000 }, 'datasets')) {
        const { [OLD_ID]: old, [STATE]: state } = JSON.parse(text(json['tags']) || '{}') as Record<string, string>;
        if (old !== undefined) there.set(old, { id: text(json['dataset_id']), state });
      }
    }
    const state = fingerprint(dataset);
    const known = there.get(dataset.id);
    if (known?.state === state) continue;
    try {
      await sendDataset(dependencies, dataset, known?.id, state);
      tally.written.evaluationDatasets += 1;
    } catch (error) {
      failed(`evaluation dataset "${dataset.name}" (${dataset.id})`, error);
    }
  }
}

async function sendDataset(
  dependencies: ServerDependencies,
  dataset: EvaluationDataset,
  known: string | undefined,
  state: string,
): Promise<void> {
  const { rest, source, ids, tally } = dependencies;
  const experiments = dataset.experimentIds.flatMap((id) => ids.experiments.get(id)?.id ?? []);
  let id = known;
  if (id === undefined) {
    const tags = JSON.stringify({ ...dataset.tags, [OLD_ID]: dataset.id });
    const made = await rest.post(`${API_3}/datasets/create`, { name: dataset.name, experiment_ids: experiments, tags });
    id = text((made['dataset'] as Json | undefined)?.['dataset_id']);
  } else if (experiments.length > 0) {
    await rest.post(`${API_3}/datasets/${id}/add-experiments`, { dataset_id: id, experiment_ids: experiments });
  }
  let waiting: object[] = [];
  let total = 0;
  const flush = async () => {
    if (waiting.length > 0) {
      await rest.post(`${API_3}/datasets/${id}/records`, { dataset_id: id, records: JSON.stringify(waiting) });
    }
    total += waiting.length;
    waiting = [];
  };
  for await (const record of source.evaluationRecords(dataset.id)) {
    waiting.push(recordOf(record));
    if (waiting.length === RECORDS_AT_ONCE) await flush();
  }
  await flush();
  const tags = JSON.stringify({ ...dataset.tags, [OLD_ID]: dataset.id, [STATE]: state });
  await rest.patch(`${API_3}/datasets/${id}/tags`, { dataset_id: id, tags });
  tally.add({ records: total });
}

function recordOf({ inputs, outputs, expectations, tags, source }: EvaluationRecord): object {
  return {
    inputs,
    outputs: outputs ?? null,
    ...(expectations !== undefined && { expectations }),
    tags,
    ...(source !== undefined && { source: { source_type: source.type, source_data: source.data } }),
  };
}

/** Versions are numbered in order there: the first version here is the first there. */
export async function sendScorers(dependencies: ServerDependencies): Promise<void> {
  const { source, tally, failed } = dependencies;
  const groups = new Map<string, Scorer[]>();
  for await (const scorer of source.scorers()) {
    tally.found.scorers += 1;
    const key = JSON.stringify([scorer.experimentId, scorer.name]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(scorer);
  }
  for (const versions of groups.values()) {
    await sendVersions(dependencies, versions).catch((error) => failed(`scorer "${versions[0]?.name}"`, error));
  }
}

async function sendVersions(
  { rest, ids, tally, signal }: ServerDependencies,
  versions: readonly Scorer[],
): Promise<void> {
  const [first] = versions;
  const target = first === undefined ? undefined : ids.experiments.get(first.experimentId);
  if (first === undefined || target === undefined) return;
  const of = { experiment_id: target.id, name: first.name };
  const listed = await rest.get(`${API_3}/scorers/list`, { experiment_id: target.id });
  const isThere = list(listed['scorers']).some((one) => one['scorer_name'] === first.name);
  const there = isThere ? list((await rest.get(`${API_3}/scorers/versions`, of))['scorers']).length : 0;
  for (const { definition } of versions.slice(there)) {
    signal.throwIfAborted();
    await rest.post(`${API_3}/scorers/register`, { ...of, serialized_scorer: definition });
    tally.written.scorers += 1;
  }
}
