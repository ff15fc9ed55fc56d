/** Exports runs to a running server. They get new ids there; a tag stores the old one. */
import type { LoggedModel, MetricPoint, Run } from '@dais/api/tracking';
import { fingerprint } from '#import/fingerprint.ts';
import { sendFiles } from './send-files.ts';
import { API, chunks, object, OLD_ID, pairs, searched, STATE, tagsOf, text } from './server-dependencies.ts';
import type { Json, TargetExperiment, ServerDependencies } from './server-dependencies.ts';

const RUNS_PAGE = 200;
/** Batch sizes that the server accepts. */
const METRICS_AT_ONCE = 1000;
const PAIRS_AT_ONCE = 100;

interface RunThere {
  readonly id: string;
  readonly state: string | undefined;
  readonly deleted: boolean;
  readonly artifactUri: string;
}

/** Of one experiment: the existing runs, and those to write. */
export class RunSender {
  readonly #dependencies: ServerDependencies;
  readonly #target: TargetExperiment;
  readonly #there = new Map<string, RunThere>();
  readonly #fresh = new Set<string>();

  constructor(dependencies: ServerDependencies, target: TargetExperiment) {
    this.#dependencies = dependencies;
    this.#target = target;
  }

  /** Creates missing runs, so that all ids are known before references to them. */
  async begin(): Promise<void> {
    const { rest, source, ids, tally, signal, failed } = this.#dependencies;
    const body = { experiment_ids: [this.#target.id], run_view_type: 'ALL', max_results: RUNS_PAGE };
    for await (const json of searched(rest, `${API}/runs/search`, body, 'runs')) {
      const found = runThere(json);
      const { [OLD_ID]: old } = tagsOf(object(json['data'])['tags']);
      if (old !== undefined) this.#there.set(old, found);
    }
    for await (const run of source.runs(this.#target.from.id)) {
      signal.throwIfAborted();
      tally.found.runs += 1;
      try {
        const there = this.#there.get(run.id) ?? (await this.#create(run));
        this.#there.set(run.id, there);
        ids.runs.set(run.id, there.id);
      } catch (error) {
        failed(nameOf(run), error);
      }
    }
  }

  async #create(run: Run): Promise<RunThere> {
    await this.#target.wake();
    const { run: made } = await this.#dependencies.rest.post(`${API}/runs/create`, {
      experiment_id: this.#target.id,
      user_id: run.user,
      run_name: run.name,
      start_time: run.startedAt,
      tags: [{ key: OLD_ID, value: run.id }],
    });
    this.#fresh.add(run.id);
    return runThere(made as Json);
  }

  /** Writes the content of new or changed runs. */
  async fill(): Promise<void> {
    const { source, tally, signal, failed, progress } = this.#dependencies;
    for await (const run of source.runs(this.#target.from.id)) {
      signal.throwIfAborted();
      const there = this.#there.get(run.id);
      if (there === undefined) continue;
      const state = fingerprint({ ...run, artifactUri: '' });
      if (there.state === state && (there.deleted || run.lifecycle === 'active')) continue;
      try {
        await this.#fillOne(run, there, state);
        tally.written.runs += 1;
      } catch (error) {
        failed(nameOf(run), error);
      }
      progress(`${tally.written.runs} runs with ${tally.amounts.points} points written`);
    }
  }

  async #fillOne(run: Run, there: RunThere, state: string): Promise<void> {
    const { rest, ids, tally } = this.#dependencies;
    await this.#target.wake();
    const of = { run_id: there.id };
    if (there.deleted) await rest.post(`${API}/runs/restore`, of);
    const tags = { ...ids.rewriteAll(run.tags), [OLD_ID]: run.id };
    const [params, named] = [pairs(run.params), pairs(tags)];
    for (const some of chunks(params, PAIRS_AT_ONCE)) await rest.post(`${API}/runs/log-batch`, { ...of, params: some });
    for (const some of chunks(named, PAIRS_AT_ONCE)) await rest.post(`${API}/runs/log-batch`, { ...of, tags: some });
    const points = await this.#sendHistories(run, there.id);
    await this.#sendLinks(run, there.id);
    await sendFiles(this.#dependencies, run.artifactUri, there.artifactUri, this.#fresh.has(run.id));
    await rest.post(`${API}/runs/update`, {
      ...of,
      status: run.status,
      run_name: run.name,
      ...(run.endedAt !== undefined && { end_time: run.endedAt }),
    });
    await rest.post(`${API}/runs/set-tag`, { ...of, key: STATE, value: state });
    // All runs of a deleted experiment are deleted with it.
    const alone = run.lifecycle === 'deleted' && this.#target.from.lifecycle === 'active';
    if (alone) await rest.post(`${API}/runs/delete`, of);
    tally.add({ points, params: params.length, tags: named.length });
  }

  /** An existing point is not written again. Returns the number of points. */
  async #sendHistories(run: Run, id: string): Promise<number> {
    const { rest, source } = this.#dependencies;
    let total = 0;
    let waiting: object[] = [];
    const flush = async () => {
      if (waiting.length > 0) await rest.post(`${API}/runs/log-batch`, { run_id: id, metrics: waiting });
      total += waiting.length;
      waiting = [];
    };
    for (const { key } of run.metrics) {
      for await (const point of source.history(run.id, key)) {
        waiting.push(metricOf(key, point));
        if (waiting.length === METRICS_AT_ONCE) await flush();
      }
    }
    await flush();
    return total;
  }

  async #sendLinks(run: Run, id: string): Promise<void> {
    const { rest, ids } = this.#dependencies;
    const models = run.modelInputs.flatMap((model) => ids.models.get(model) ?? []);
    if (run.datasets.length > 0 || models.length > 0) {
      await rest.post(`${API}/runs/log-inputs`, {
        run_id: id,
        datasets: run.datasets.map(({ dataset, tags }) => ({
          dataset: {
            name: dataset.name,
            digest: dataset.digest,
            source_type: dataset.sourceType,
            source: dataset.source,
            ...(dataset.schema !== undefined && { schema: dataset.schema }),
            ...(dataset.profile !== undefined && { profile: dataset.profile }),
          },
          tags: pairs(tags),
        })),
        models: models.map((model) => ({ model_id: model })),
      });
    }
    const outputs = run.modelOutputs.flatMap(({ modelId, step }) => {
      const model = ids.models.get(modelId);
      return model === undefined ? [] : [{ model_id: model, step }];
    });
    if (outputs.length > 0) await rest.post(`${API}/runs/outputs`, { run_id: id, models: outputs });
  }
}

const nameOf = (run: Run): string => `run ${run.id} ("${run.name}")`;

function runThere(json: Json): RunThere {
  const info = object(json['info']);
  return {
    id: text(info['run_id']),
    state: tagsOf(object(json['data'])['tags'])[STATE],
    deleted: info['lifecycle_stage'] === 'deleted',
    artifactUri: text(info['artifact_uri']),
  };
}

function metricOf(key: string, { value, timestamp, step }: MetricPoint): object {
  return { key, value, timestamp, step };
}

/** Exports the logged models of one experiment; their runs already exist there. */
export async function sendLoggedModels(dependencies: ServerDependencies, target: TargetExperiment): Promise<void> {
  const { rest, source, ids, tally, signal, failed } = dependencies;
  const there = new Map<
    string,
    { readonly id: string; readonly state: string | undefined; readonly artifactUri: string }
  >();
  const body = { experiment_ids: [target.id], max_results: 100 };
  for await (const json of searched(rest, `${API}/logged-models/search`, body, 'models')) {
    const info = object(json['info']);
    const { [OLD_ID]: old, [STATE]: state } = tagsOf(info['tags']);
    if (old !== undefined) {
      there.set(old, { id: text(info['model_id']), state, artifactUri: text(info['artifact_uri']) });
    }
  }
  for await (const model of source.loggedModels(target.from.id)) {
    signal.throwIfAborted();
    tally.found.loggedModels += 1;
    const known = there.get(model.id);
    if (known !== undefined) ids.models.set(model.id, known.id);
    const state = fingerprint({ ...model, artifactUri: '' });
    if (known?.state === state) continue;
    try {
      await target.wake();
      const made = known ?? (await createModel(dependencies, target, model));
      ids.models.set(model.id, made.id);
      await fillModel(dependencies, model, made, { state, fresh: known === undefined });
      tally.written.loggedModels += 1;
    } catch (error) {
      failed(`logged model ${model.id}`, error);
    }
  }
}

async function createModel({ rest, ids }: ServerDependencies, target: TargetExperiment, model: LoggedModel) {
  const run = model.sourceRunId === undefined ? undefined : ids.runs.get(model.sourceRunId);
  const { model: made } = await rest.post(`${API}/logged-models`, {
    experiment_id: target.id,
    name: model.name,
    ...(model.type !== undefined && { model_type: model.type }),
    ...(run !== undefined && { source_run_id: run }),
    params: pairs(model.params),
    tags: [{ key: OLD_ID, value: model.id }],
  });
  const info = object(object(made)['info']);
  return { id: text(info['model_id']), artifactUri: text(info['artifact_uri']) };
}

async function fillModel(
  dependencies: ServerDependencies,
  model: LoggedModel,
  there: { readonly id: string; readonly artifactUri: string },
  { state, fresh }: { readonly state: string; readonly fresh: boolean },
): Promise<void> {
  const { rest, ids } = dependencies;
  await sendFiles(dependencies, model.artifactUri, there.artifactUri, fresh);
  for (const { runId, key, datasetName, datasetDigest, ...point } of model.metrics) {
    const run = ids.runs.get(runId);
    if (run === undefined) continue;
    const of = { ...metricOf(key, point), model_id: there.id };
    const dataset = {
      ...(datasetName !== undefined && { dataset_name: datasetName }),
      ...(datasetDigest !== undefined && { dataset_digest: datasetDigest }),
    };
    await rest.post(`${API}/runs/log-batch`, { run_id: run, metrics: [{ ...of, ...dataset }] });
  }
  if (model.status !== 'PENDING') {
    await rest.patch(`${API}/logged-models/${there.id}`, {
      model_id: there.id,
      status: model.status === 'READY' ? 'LOGGED_MODEL_READY' : 'LOGGED_MODEL_UPLOAD_FAILED',
    });
  }
  const tags = pairs({ ...ids.rewriteAll(model.tags), [OLD_ID]: model.id, [STATE]: state });
  await rest.patch(`${API}/logged-models/${there.id}/tags`, { model_id: there.id, tags });
}
