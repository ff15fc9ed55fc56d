/** Evaluation datasets and scorers of a tracking server, through its REST interface. */
import type { EvaluationRecord } from '@dais/api/tracking';
import { isAbsent } from './http-traces.ts';
import type { Json, MlflowRest } from './mlflow-rest.ts';
import { recordOf } from './record-json.ts';
import type { SourceDataset, SourceExperiment, SourceScorer } from './source.ts';
import { schemaOf, textsOf } from './trace-words.ts';

const DATASETS = '/api/3.0/mlflow/datasets';
const SCORERS = '/api/3.0/mlflow/scorers';
const PAGE = 1000;

export class HttpEvaluation {
  readonly #rest: MlflowRest;

  constructor(rest: MlflowRest) {
    this.#rest = rest;
  }

  async *datasets(): AsyncGenerator<SourceDataset> {
    let token: string | undefined;
    do {
      let page: Json;
      try {
        const body = { max_results: PAGE, ...(token !== undefined && { page_token: token }) };
        page = await this.#rest.post(`${DATASETS}/search`, body);
      } catch (error) {
        // MLflow before 3.4 has none.
        if (isAbsent(error)) return;
        throw error;
      }
      for (const json of list(page['datasets'])) {
        const { experiment_ids: ids } = await this.#rest.get(`${DATASETS}/${text(json['dataset_id'])}/experiment-ids`);
        yield datasetOf(json, Array.isArray(ids) ? ids.map(String) : []);
      }
      token = text(page['next_page_token']) || undefined;
    } while (token !== undefined);
  }

  async *records(id: string): AsyncGenerator<EvaluationRecord[]> {
    let token: string | undefined;
    do {
      const page = await this.#rest.get(`${DATASETS}/${id}/records`, { max_results: PAGE, page_token: token });
      const records = JSON.parse(text(page['records']) || '[]') as readonly Json[];
      if (records.length > 0) yield records.map(recordOf);
      token = text(page['next_page_token']) || undefined;
    } while (token !== undefined);
  }

  /** Omits those of deleted experiments. */
  async *scorers(experiment: SourceExperiment): AsyncGenerator<SourceScorer> {
    if (experiment.deleted) return;
    const of = { experiment_id: experiment.id };
    let latest: Json;
    try {
      latest = await this.#rest.get(`${SCORERS}/list`, of);
    } catch (error) {
      if (isAbsent(error)) return;
      throw error;
    }
    for (const { scorer_name: name } of list(latest['scorers'])) {
      const versions = await this.#rest.get(`${SCORERS}/versions`, { ...of, name: text(name) });
      yield* list(versions['scorers']).map(scorerOf);
    }
  }
}

const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function datasetOf(json: Json, experimentIds: string[]): SourceDataset {
  const schema = schemaOf(text(json['schema']));
  const [createdBy, updatedBy] = [text(json['created_by']), text(json['last_updated_by'])];
  return {
    id: text(json['dataset_id']),
    name: text(json['name']),
    digest: text(json['digest']),
    ...(schema !== undefined && { schema }),
    experimentIds,
    tags: textsOf(JSON.parse(text(json['tags']) || '{}')),
    createdAt: Number(json['created_time'] ?? 0),
    updatedAt: Number(json['last_update_time'] ?? 0),
    ...(createdBy !== '' && { createdBy }),
    ...(updatedBy !== '' && { updatedBy }),
  };
}

function scorerOf(json: Json): SourceScorer {
  return {
    id: text(json['scorer_id']),
    name: text(json['scorer_name']),
    version: Number(json['scorer_version']),
    definition: text(json['serialized_scorer']),
    createdAt: Number(json['creation_time'] ?? 0),
  };
}
