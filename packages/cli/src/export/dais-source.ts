/** Everything that a project holds, page by page. */
import {
  listArtifactsOperation,
  readMetricOperation,
  searchExperimentsOperation,
  searchLoggedModelsOperation,
  searchModelsOperation,
  searchModelVersionsOperation,
  searchRunsOperation,
  type DaisClient,
  type Experiment,
  type LoggedModel,
  type MetricPoint,
  type ModelVersion,
  type RegisteredModel,
  type Run,
} from '@dais/api';

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
    return pages((at) =>
      this.client.perform(searchLoggedModelsOperation, { experimentIds: [experimentId], ...at }, this.#settings),
    );
  }

  models(): AsyncIterable<RegisteredModel> {
    return pages((at) => this.client.perform(searchModelsOperation, { types: TYPES, ...at }, this.#settings));
  }

  versions(): AsyncIterable<ModelVersion> {
    return pages((at) => this.client.perform(searchModelVersionsOperation, { types: TYPES, ...at }, this.#settings));
  }

  /** Every file of the project. */
  async *files(): AsyncGenerator<{ readonly path: string; readonly size: number }> {
    const folders = [''];
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
