/** Reads all records of a project, page by page. */
import type { DaisClient } from '@dais/api';
import {
  searchModelsOperation,
  searchModelVersionsOperation,
  type ModelVersion,
  type RegisteredModel,
} from '@dais/api/registry';
import {
  listArtifactsOperation,
  listEvaluationRecordsOperation,
  listScorerVersionsOperation,
  listSpansOperation,
  listTraceLinksOperation,
  readMetricOperation,
  searchEvaluationDatasetsOperation,
  searchExperimentsOperation,
  searchLoggedModelsOperation,
  searchRunsOperation,
  searchScorersOperation,
  searchTracesOperation,
  type EvaluationDataset,
  type EvaluationRecord,
  type Experiment,
  type LoggedModel,
  type MetricPoint,
  type Run,
  type Scorer,
  type Span,
  type Trace,
} from '@dais/api/tracking';
import type { TraceLinks } from './trace-rows.ts';

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string | undefined;
}
type Cursor = { readonly cursor?: string };

const TYPES: ('model' | 'prompt')[] = ['model', 'prompt'];

export class DaisSource {
  readonly client: DaisClient;
  readonly #settings: { readonly signal: AbortSignal };

  constructor(client: DaisClient, signal: AbortSignal) {
    this.client = client;
    this.#settings = { signal };
  }

  experiments(): AsyncIterable<Experiment> {
    return pages((at) => this.client.perform(searchExperimentsOperation, { view: 'all', ...at }, this.#settings));
  }

  runs(experimentId: string): AsyncIterable<Run> {
    const input = { experimentIds: [experimentId], view: 'all', limit: 200 } as const;
    return pages((at) =>
      this.client.perform(searchRunsOperation, { ...input, experimentIds: [experimentId], ...at }, this.#settings),
    );
  }

  history(id: string, key: string): AsyncIterable<MetricPoint> {
    return pages((at) => this.client.perform(readMetricOperation, { id, key, limit: 50_000, ...at }, this.#settings));
  }

  loggedModels(experimentId: string): AsyncIterable<LoggedModel> {
    // The oldest first: where ids are new, records of the same name keep their order.
    const orderBy = [{ field: 'creation_timestamp', ascending: true }];
    return pages((at) =>
      this.client.perform(
        searchLoggedModelsOperation,
        { experimentIds: [experimentId], orderBy, ...at },
        this.#settings,
      ),
    );
  }

  models(): AsyncIterable<RegisteredModel> {
    return pages((at) => this.client.perform(searchModelsOperation, { types: TYPES, ...at }, this.#settings));
  }

  versions(): AsyncIterable<ModelVersion> {
    return pages((at) => this.client.perform(searchModelVersionsOperation, { types: TYPES, ...at }, this.#settings));
  }

  /** With the links of each. */
  async *traces(experimentId: string): AsyncGenerator<{ readonly trace: Trace; readonly links: TraceLinks }> {
    let cursor: string | undefined;
    do {
      const input = { experimentIds: [experimentId], orderBy: ['timestamp'], limit: 500 };
      const page = await this.client.perform(
        searchTracesOperation,
        { ...input, ...(cursor !== undefined && { cursor }) },
        this.#settings,
      );
      const ids = page.items.map(({ id }) => id);
      const { items } = await this.client.perform(listTraceLinksOperation, { ids }, this.#settings);
      const links = new Map(items.map((one) => [one.id, one]));
      for (const trace of page.items) yield { trace, links: links.get(trace.id) ?? { runIds: [], prompts: [] } };
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  spans(id: string): AsyncIterable<Span> {
    return pages((at) => this.client.perform(listSpansOperation, { id, limit: 5000, ...at }, this.#settings));
  }

  evaluationDatasets(): AsyncIterable<EvaluationDataset> {
    return pages((at) =>
      this.client.perform(searchEvaluationDatasetsOperation, { limit: 1000, ...at }, this.#settings),
    );
  }

  evaluationRecords(id: string): AsyncIterable<EvaluationRecord> {
    return pages((at) =>
      this.client.perform(listEvaluationRecordsOperation, { id, limit: 1000, ...at }, this.#settings),
    );
  }

  /** All versions of each; those of deleted experiments are omitted. */
  async *scorers(): AsyncGenerator<Scorer> {
    const latest = pages<Scorer>((at) => this.client.perform(searchScorersOperation, at, this.#settings));
    for await (const { experimentId, name } of latest) {
      yield* pages<Scorer>((at) =>
        this.client.perform(listScorerVersionsOperation, { experimentId, name, ...at }, this.#settings),
      );
    }
  }

  /** All files of the project, or in a folder of it; paths are relative to the artifact root. */
  async *files(root = ''): AsyncGenerator<{ readonly path: string; readonly size: number }> {
    const folders = [root];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const path = folder === '' ? {} : { path: folder };
      const entries = pages((at) => this.client.perform(listArtifactsOperation, { ...path, ...at }, this.#settings));
      for await (const { name, directory, size = 0 } of entries) {
        const inner = folder === '' ? name : `${folder}/${name}`;
        if (directory) folders.push(inner);
        else yield { path: inner, size };
      }
    }
  }
}

async function* pages<Item>(read: (at: Cursor) => Promise<Page<Item>>): AsyncGenerator<Item> {
  let cursor: string | undefined;
  do {
    const page = await read(cursor === undefined ? {} : { cursor });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
