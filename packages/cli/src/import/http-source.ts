/** Reads a tracking server through its REST interface. */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type {
  DatasetInput,
  EvaluationRecord,
  LoggedModelStatus,
  MetricPoint,
  RunStatus,
  Span,
} from '@dais/api/tracking';
import { HttpEvaluation } from './http-evaluation.ts';
import { HttpTraces } from './http-traces.ts';
import type { Json, MlflowRest } from './mlflow-rest.ts';
import { NO_POINTS, type FileOwner, type SourceFile, type TrackingSource } from './source.ts';
import type { SourceDataset, SourceExperiment, SourceLoggedModel, SourceModel, SourceRun } from './source.ts';
import type { SourceScorer, SourceTrace, SourceVersion } from './source.ts';

const API = '/api/2.0/mlflow';
const PROXY = '/api/2.0/mlflow-artifacts/artifacts';
/** Page sizes that the server accepts. A hundred runs with hundreds of metrics are megabytes. */
const PAGES = { experiments: 1000, runs: 100, models: 100, versions: 1000, points: 25_000 } as const;
const PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'";
const PROXIED = /^mlflow-artifacts:/i;

export function httpSource(rest: MlflowRest, name: string): TrackingSource {
  return new HttpSource(rest, name);
}

class HttpSource implements TrackingSource {
  readonly name: string;
  readonly #rest: MlflowRest;
  readonly #traces: HttpTraces;
  readonly #evaluation: HttpEvaluation;

  constructor(rest: MlflowRest, name: string) {
    this.#rest = rest;
    this.#traces = new HttpTraces(rest, (experimentId) => this.runs(experimentId));
    this.#evaluation = new HttpEvaluation(rest);
    this.name = name;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    const body = { max_results: PAGES.experiments, view_type: 'ALL', order_by: ['experiment_id ASC'] };
    for await (const page of this.#pages(`${API}/experiments/search`, body)) {
      yield* list(page['experiments']).map(experimentOf);
    }
  }

  async *runs(experimentId: string): AsyncGenerator<SourceRun> {
    const body = { experiment_ids: [experimentId], run_view_type: 'ALL', max_results: PAGES.runs };
    for await (const page of this.#pages(`${API}/runs/search`, { ...body, order_by: ['start_time ASC'] })) {
      yield* list(page['runs']).map(runOf);
    }
  }

  async *history(runId: string, key: string) {
    let token: string | undefined;
    do {
      const query = { run_id: runId, metric_key: key, max_results: PAGES.points, page_token: token };
      const page = await this.#rest.get(`${API}/metrics/get-history`, query);
      const points = NO_POINTS();
      for (const point of list(page['metrics'])) {
        points.steps.push(number(point['step']));
        points.timestamps.push(number(point['timestamp']));
        points.values.push(point['value'] as MetricPoint['value']);
      }
      if (points.steps.length > 0) yield points;
      token = tokenOf(page);
    } while (token !== undefined);
  }

  async *loggedModels(experimentId: string): AsyncGenerator<SourceLoggedModel> {
    const body = { experiment_ids: [experimentId], max_results: PAGES.models };
    try {
      for await (const page of this.#pages(`${API}/logged-models/search`, body)) {
        yield* list(page['models']).map(loggedModelOf);
      }
    } catch (error) {
      // MLflow before 3.0 has none.
      if ((error as { code?: unknown }).code !== 'not_found') throw error;
    }
  }

  async *models(): AsyncGenerator<SourceModel> {
    for (const filter of [undefined, PROMPTS]) {
      let token: string | undefined;
      do {
        const query = { max_results: PAGES.models, filter, page_token: token };
        const page = await this.#rest.get(`${API}/registered-models/search`, query);
        yield* list(page['registered_models']).map(modelOf);
        token = tokenOf(page);
      } while (token !== undefined);
    }
  }

  async *versions(model: string): AsyncGenerator<SourceVersion> {
    const named = `name = '${model.replaceAll("'", "''")}'`;
    const seen = new Set<number>();
    for (const filter of [named, `${named} and ${PROMPTS}`]) {
      let token: string | undefined;
      do {
        const query = { max_results: PAGES.versions, filter, page_token: token };
        const page = await this.#rest.get(`${API}/model-versions/search`, query);
        for (const version of list(page['model_versions']).map(versionOf)) {
          if (!seen.has(version.version)) yield version;
          seen.add(version.version);
        }
        token = tokenOf(page);
      } while (token !== undefined);
      if (seen.size > 0) return;
    }
  }

  traces(experiment: SourceExperiment): AsyncGenerator<SourceTrace> {
    return this.#traces.traces(experiment);
  }

  async spans(trace: SourceTrace): Promise<Span[]> {
    return await this.#traces.spans(trace);
  }

  evaluationDatasets(): AsyncGenerator<SourceDataset> {
    return this.#evaluation.datasets();
  }

  evaluationRecords(datasetId: string): AsyncGenerator<EvaluationRecord[]> {
    return this.#evaluation.records(datasetId);
  }

  scorers(experiment: SourceExperiment): AsyncGenerator<SourceScorer> {
    return this.#evaluation.scorers(experiment);
  }

  async *files(owner: FileOwner): AsyncGenerator<SourceFile> {
    const folders = [''];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const { path, is_dir: isFolder, file_size: size } of this.#entries(owner, folder)) {
        if (isFolder === true) folders.push(String(path));
        else yield { path: String(path), size: number(size) };
      }
    }
  }

  /** Paths are relative to the artifacts of the owner. */
  async *#entries(owner: FileOwner, folder: string): AsyncGenerator<Json> {
    if (PROXIED.test(owner.artifactUri)) {
      const root = proxiedPath(owner.artifactUri);
      const page = await this.#rest.get(PROXY, { path: folder === '' ? root : `${root}/${folder}` });
      for (const file of list(page['files'])) {
        yield { ...file, path: folder === '' ? file['path'] : `${folder}/${String(file['path'])}` };
      }
      return;
    }
    if (owner.type === 'trace') {
      const detail = `Files of trace ${owner.id} are stored at ${owner.artifactUri}, which the server does not list.`;
      throw new DaisError('invalid_request', detail);
    }
    const path = folder === '' ? undefined : folder;
    let token: string | undefined;
    do {
      const page = await (owner.type === 'run'
        ? this.#rest.get(`${API}/artifacts/list`, { run_id: owner.id, path, page_token: token })
        : this.#rest.get(`${API}/logged-models/${owner.id}/artifacts/directories`, {
            artifact_directory_path: path,
            page_token: token,
          }));
      yield* list(page['files']);
      token = tokenOf(page);
    } while (token !== undefined);
  }

  async open(owner: FileOwner, path: string): Promise<Readable> {
    if (PROXIED.test(owner.artifactUri)) {
      const parts = `${proxiedPath(owner.artifactUri)}/${path}`.split('/').map(encodeURIComponent);
      return await this.#rest.bytes(`${PROXY}/${parts.join('/')}`);
    }
    if (owner.type === 'run') return await this.#rest.bytes('/get-artifact', { run_uuid: owner.id, path });
    const files = `/ajax-api/2.0/mlflow/logged-models/${owner.id}/artifacts/files`;
    return await this.#rest.bytes(files, { artifact_file_path: path });
  }

  async close(): Promise<void> {
    // There is no open resource.
  }

  async *#pages(path: string, body: Json): AsyncGenerator<Json> {
    let token: string | undefined;
    do {
      const page = await this.#rest.post(path, { ...body, ...(token !== undefined && { page_token: token }) });
      yield page;
      token = tokenOf(page);
    } while (token !== undefined);
  }
}

function proxiedPath(uri: string): string {
  return uri.replace(/^mlflow-artifacts:(\/\/[^/]*)?\/*/i, '').replace(/\/+$/, '');
}

function tokenOf(page: Json): string | undefined {
  const token = page['next_page_token'];
  return typeof token === 'string' && token !== '' ? token : undefined;
}

const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const object = (value: unknown): Json => (value ?? {}) as Json;
const number = (value: unknown): number => (value === undefined || value === null ? 0 : Number(value));
const text = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : '';
};
const named = <Name extends string>(name: Name, value: unknown) =>
  (text(value) === '' ? {} : { [name]: text(value) }) as { readonly [N in Name]?: string };

function pairs(value: unknown): Record<string, string> {
  return Object.fromEntries(list(value).map(({ key, value: setting }) => [text(key), text(setting)]));
}

function experimentOf(json: Json): SourceExperiment {
  return {
    id: text(json['experiment_id']),
    name: text(json['name']),
    artifactUri: text(json['artifact_location']),
    createdAt: number(json['creation_time']),
    updatedAt: number(json['last_update_time']),
    deleted: json['lifecycle_stage'] === 'deleted',
    tags: pairs(json['tags']),
  };
}

function runOf(json: Json): SourceRun {
  const [info, data] = [object(json['info']), object(json['data'])];
  const [inputs, outputs] = [object(json['inputs']), object(json['outputs'])];
  const endedAt = number(info['end_time']);
  return {
    id: text(info['run_id'] ?? info['run_uuid']),
    name: text(info['run_name']),
    user: text(info['user_id']),
    status: text(info['status']) as RunStatus,
    startedAt: number(info['start_time']),
    ...(endedAt !== 0 && { endedAt }),
    deleted: info['lifecycle_stage'] === 'deleted',
    artifactUri: text(info['artifact_uri']),
    params: pairs(data['params']),
    tags: pairs(data['tags']),
    metrics: list(data['metrics']).map((metric) => ({
      key: text(metric['key']),
      value: metric['value'] as MetricPoint['value'],
      timestamp: number(metric['timestamp']),
      step: number(metric['step']),
    })),
    datasets: list(inputs['dataset_inputs']).map(datasetOf),
    modelInputs: list(inputs['model_inputs']).map((one) => text(one['model_id'])),
    modelOutputs: list(outputs['model_outputs']).map((one) => ({
      modelId: text(one['model_id']),
      step: number(one['step']),
    })),
  };
}

function datasetOf(json: Json): DatasetInput {
  const dataset = object(json['dataset']);
  return {
    dataset: {
      name: text(dataset['name']),
      digest: text(dataset['digest']),
      sourceType: text(dataset['source_type']),
      source: text(dataset['source']),
      ...named('schema', dataset['schema']),
      ...named('profile', dataset['profile']),
    },
    tags: pairs(json['tags']),
  };
}

function loggedModelOf(json: Json): SourceLoggedModel {
  const [info, data] = [object(json['info']), object(json['data'])];
  return {
    id: text(info['model_id']),
    name: text(info['name']),
    ...named('type', info['model_type']),
    ...named('sourceRunId', info['source_run_id']),
    status: text(info['status']).replace('LOGGED_MODEL_', '') as LoggedModelStatus,
    ...named('statusMessage', info['status_message']),
    createdAt: number(info['creation_timestamp_ms']),
    updatedAt: number(info['last_updated_timestamp_ms']),
    // A search omits deleted objects.
    deleted: false,
    artifactUri: text(info['artifact_uri']),
    params: pairs(data['params']),
    tags: pairs(info['tags']),
    metrics: list(data['metrics']).map((metric) => ({
      runId: text(metric['run_id']),
      key: text(metric['key']),
      value: metric['value'] as MetricPoint['value'],
      timestamp: number(metric['timestamp']),
      step: number(metric['step']),
      ...named('datasetName', metric['dataset_name']),
      ...named('datasetDigest', metric['dataset_digest']),
    })),
  };
}

function modelOf(json: Json): SourceModel {
  return {
    name: text(json['name']),
    description: text(json['description']),
    createdAt: number(json['creation_timestamp']),
    updatedAt: number(json['last_updated_timestamp']),
    tags: pairs(json['tags']),
    aliases: Object.fromEntries(list(json['aliases']).map((one) => [text(one['alias']), number(one['version'])])),
  };
}

function versionOf(json: Json): SourceVersion {
  return {
    name: text(json['name']),
    version: number(json['version']),
    description: text(json['description']),
    createdAt: number(json['creation_timestamp']),
    updatedAt: number(json['last_updated_timestamp']),
    stage: text(json['current_stage']) === '' ? 'None' : text(json['current_stage']),
    source: text(json['source']),
    ...named('runId', json['run_id']),
    ...named('loggedModelId', json['model_id']),
    ...named('runLink', json['run_link']),
    tags: pairs(json['tags']),
  };
}
