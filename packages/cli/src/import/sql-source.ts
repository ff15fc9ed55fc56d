/** Reads the database of a tracking server without the server: SQLite or PostgreSQL. */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { DatasetInput, EvaluationRecord, LoggedModelStatus } from '@dais/api/tracking';
import type { MetricPoint, RunStatus, Span } from '@dais/api/tracking';
import type { LocalFiles } from './local-files.ts';
import { SqlEvaluation } from './sql-evaluation.ts';
import type { SqlReader, SqlRow } from './sql-reader.ts';
import { SqlTraces } from './sql-traces.ts';
import { grouped, named, number, placeholders, text, truth } from './sql-values.ts';
import { NO_POINTS, type FileOwner, type SourceFile, type TrackingSource } from './source.ts';
import type { SourceDataset, SourceExperiment, SourceLoggedModel, SourceModel, SourceRun } from './source.ts';
import type { SourceScorer, SourceTrace, SourceVersion } from './source.ts';

/** Rows of one query. */
const PAGE = 500;
const POINTS = 50_000;
const MODEL_STATUS: Readonly<Record<number, LoggedModelStatus>> = { 1: 'PENDING', 2: 'READY', 3: 'UPLOAD_FAILED' };
/** The database's mark of deleted versions. */
const DELETED_VERSION = 'Deleted_Internal';

/**
 * @throws DaisError `invalid_request` when it is not the database of a tracking server.
 */
export async function sqlSource(reader: SqlReader, files: LocalFiles, name: string): Promise<TrackingSource> {
  const tables = await reader.tables();
  const missing = ['experiments', 'runs', 'metrics', 'latest_metrics', 'params', 'tags'].find(
    (one) => !tables.has(one),
  );
  if (missing !== undefined) {
    throw new DaisError('invalid_request', `Not an MLflow tracking database: table ${missing} is missing.`);
  }
  return new SqlSource(reader, files, name, tables);
}

class SqlSource implements TrackingSource {
  readonly name: string;
  readonly #reader: SqlReader;
  readonly #files: LocalFiles;
  readonly #tables: ReadonlySet<string>;
  readonly #traces: SqlTraces;
  readonly #evaluation: SqlEvaluation;

  constructor(reader: SqlReader, files: LocalFiles, name: string, tables: ReadonlySet<string>) {
    this.#traces = new SqlTraces(reader, files, tables);
    this.#evaluation = new SqlEvaluation(reader, tables);
    this.#reader = reader;
    this.#files = files;
    this.name = name;
    this.#tables = tables;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    const rows = await this.#reader.all('select * from experiments order by experiment_id');
    const tags = await this.#pairsOf('experiment_tags', 'experiment_id');
    for (const row of rows) {
      yield {
        id: text(row['experiment_id']),
        name: text(row['name']),
        artifactUri: text(row['artifact_location']),
        createdAt: number(row['creation_time']),
        updatedAt: number(row['last_update_time']),
        deleted: row['lifecycle_stage'] === 'deleted',
        tags: tags.get(text(row['experiment_id'])) ?? {},
      };
    }
  }

  async *runs(experimentId: string): AsyncGenerator<SourceRun> {
    for (let after = ''; ;) {
      const rows = await this.#reader.all(
        `select * from runs where experiment_id = ? and run_uuid > ? order by run_uuid limit ${PAGE}`,
        [Number(experimentId), after],
      );
      const last = rows.at(-1);
      if (last === undefined) return;
      yield* await this.#hydrate(rows);
      after = text(last['run_uuid']);
    }
  }

  async #hydrate(rows: readonly SqlRow[]): Promise<SourceRun[]> {
    const ids = rows.map((row) => text(row['run_uuid']));
    const params = await this.#pairsOf('params', 'run_uuid', ids);
    const tags = await this.#pairsOf('tags', 'run_uuid', ids);
    const latest = grouped(
      await this.#reader.all(`select * from latest_metrics where run_uuid in ${placeholders(ids)} order by key`, ids),
      'run_uuid',
    );
    const links = await this.#links(ids);
    return rows.map((row) => {
      const id = text(row['run_uuid']);
      const endedAt = number(row['end_time']);
      return {
        id,
        name: text(row['name']),
        user: text(row['user_id']),
        status: text(row['status']) as RunStatus,
        startedAt: number(row['start_time']),
        ...(endedAt !== 0 && { endedAt }),
        deleted: row['lifecycle_stage'] === 'deleted',
        artifactUri: text(row['artifact_uri']),
        params: params.get(id) ?? {},
        tags: tags.get(id) ?? {},
        metrics: (latest.get(id) ?? []).map((metric) => ({
          key: text(metric['key']),
          value: valueOf(metric),
          timestamp: number(metric['timestamp']),
          step: number(metric['step']),
        })),
        ...links(id),
      };
    });
  }

  /** Datasets that runs read, and models that they read and created. */
  async #links(ids: readonly string[]) {
    const none = { datasets: [], modelInputs: [], modelOutputs: [] };
    if (!this.#tables.has('inputs')) return () => none;
    const datasets = await this.#reader.all(
      `select i.input_uuid, i.destination_id, d.* from inputs i join datasets d on d.dataset_uuid = i.source_id
       where i.source_type = 'DATASET' and i.destination_type = 'RUN' and i.destination_id in ${placeholders(ids)}`,
      ids,
    );
    const inputs = datasets.map((row) => text(row['input_uuid']));
    const tags = grouped(
      inputs.length === 0
        ? []
        : await this.#reader.all(`select * from input_tags where input_uuid in ${placeholders(inputs)}`, inputs),
      'input_uuid',
    );
    const models = grouped(
      await this.#reader.all(
        `select * from inputs where source_type in ('RUN_INPUT', 'RUN_OUTPUT') and source_id in ${placeholders(ids)}`,
        ids,
      ),
      'source_id',
    );
    const byRun = grouped(datasets, 'destination_id');
    return (id: string) => {
      const linked = models.get(id) ?? [];
      return {
        datasets: (byRun.get(id) ?? []).map((row): DatasetInput => {
          const owned = tags.get(text(row['input_uuid'])) ?? [];
          return {
            dataset: {
              name: text(row['name']),
              digest: text(row['digest']),
              sourceType: text(row['dataset_source_type']),
              source: text(row['dataset_source']),
              ...named('schema', row['dataset_schema']),
              ...named('profile', row['dataset_profile']),
            },
            tags: Object.fromEntries(owned.map((tag) => [text(tag['name']), text(tag['value'])])),
          };
        }),
        modelInputs: linked
          .filter((row) => row['destination_type'] === 'MODEL_INPUT')
          .map((row) => text(row['destination_id'])),
        modelOutputs: linked
          .filter((row) => row['destination_type'] === 'MODEL_OUTPUT')
          .map((row) => ({ modelId: text(row['destination_id']), step: number(row['step']) })),
      };
    };
  }

  async *history(runId: string, key: string) {
    for (let from = 0; ; from += POINTS) {
      const rows = await this.#reader.all(
        `select value, timestamp, step, is_nan from metrics where run_uuid = ? and key = ?
         order by timestamp, step, value, is_nan limit ${POINTS} offset ${from}`,
        [runId, key],
      );
      const points = NO_POINTS();
      for (const row of rows) {
        points.steps.push(number(row['step']));
        points.timestamps.push(number(row['timestamp']));
        points.values.push(valueOf(row));
      }
      if (rows.length > 0) yield points;
      if (rows.length < POINTS) return;
    }
  }

  async *loggedModels(experimentId: string): AsyncGenerator<SourceLoggedModel> {
    if (!this.#tables.has('logged_models')) return;
    for (let after = ''; ;) {
      const rows = await this.#reader.all(
        `select * from logged_models where experiment_id = ? and model_id > ? order by model_id limit ${PAGE}`,
        [Number(experimentId), after],
      );
      const last = rows.at(-1);
      if (last === undefined) return;
      const ids = rows.map((row) => text(row['model_id']));
      const [params, tags, metrics] = await Promise.all(
        ['logged_model_params', 'logged_model_tags', 'logged_model_metrics'].map(async (table) =>
          grouped(
            await this.#reader.all(`select * from ${table} where model_id in ${placeholders(ids)}`, ids),
            'model_id',
          ),
        ),
      );
      for (const row of rows) {
        const id = text(row['model_id']);
        yield {
          id,
          name: text(row['name']),
          ...named('type', row['model_type']),
          ...named('sourceRunId', row['source_run_id']),
          status: MODEL_STATUS[number(row['status'])] ?? 'READY',
          ...named('statusMessage', row['status_message']),
          createdAt: number(row['creation_timestamp_ms']),
          updatedAt: number(row['last_updated_timestamp_ms']),
          deleted: row['lifecycle_stage'] === 'deleted',
          artifactUri: text(row['artifact_location']),
          params: Object.fromEntries(
            (params?.get(id) ?? []).map((p) => [text(p['param_key']), text(p['param_value'])]),
          ),
          tags: Object.fromEntries((tags?.get(id) ?? []).map((tag) => [text(tag['tag_key']), text(tag['tag_value'])])),
          metrics: (metrics?.get(id) ?? []).map((metric) => ({
            runId: text(metric['run_id']),
            key: text(metric['metric_name']),
            value: number(metric['metric_value']),
            timestamp: number(metric['metric_timestamp_ms']),
            step: number(metric['metric_step']),
            ...named('datasetName', metric['dataset_name']),
            ...named('datasetDigest', metric['dataset_digest']),
          })),
        };
      }
      after = text(last['model_id']);
    }
  }

  async *models(): AsyncGenerator<SourceModel> {
    if (!this.#tables.has('registered_models')) return;
    const tags = await this.#pairsOf('registered_model_tags', 'name');
    const aliases = this.#tables.has('registered_model_aliases')
      ? grouped(await this.#reader.all('select * from registered_model_aliases'), 'name')
      : new Map<string, SqlRow[]>();
    for (const row of await this.#reader.all('select * from registered_models order by creation_time, name')) {
      const name = text(row['name']);
      yield {
        name,
        description: text(row['description']),
        createdAt: number(row['creation_time']),
        updatedAt: number(row['last_updated_time']),
        tags: tags.get(name) ?? {},
        aliases: Object.fromEntries((aliases.get(name) ?? []).map((a) => [text(a['alias']), number(a['version'])])),
      };
    }
  }

  async *versions(model: string): AsyncGenerator<SourceVersion> {
    const all = 'select * from model_versions where name = ? and current_stage <> ? order by version';
    const rows = await this.#reader.all(all, [model, DELETED_VERSION]);
    const tags = grouped(
      await this.#reader.all('select version, key, value from model_version_tags where name = ?', [model]),
      'version',
    );
    for (const row of rows) {
      const owned = tags.get(text(row['version'])) ?? [];
      yield {
        name: model,
        version: number(row['version']),
        description: text(row['description']),
        createdAt: number(row['creation_time']),
        updatedAt: number(row['last_updated_time']),
        stage: text(row['current_stage']) === '' ? 'None' : text(row['current_stage']),
        source: text(row['source']),
        ...named('runId', row['run_id']),
        ...named('runLink', row['run_link']),
        tags: Object.fromEntries(owned.map((tag) => [text(tag['key']), text(tag['value'])])),
      };
    }
  }

  traces(experiment: SourceExperiment): AsyncGenerator<SourceTrace> {
    return this.#traces.traces(experiment.id);
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
    return this.#evaluation.scorers(experiment.id);
  }

  async *files(owner: FileOwner): AsyncGenerator<SourceFile> {
    yield* this.#files.list(owner.artifactUri);
  }

  async open(owner: FileOwner, path: string): Promise<Readable> {
    return await this.#files.open(owner.artifactUri, path);
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }

  /** Keys with values, by owner. */
  async #pairsOf(table: string, owner: string, ids?: readonly string[]): Promise<Map<string, Record<string, string>>> {
    if (!this.#tables.has(table)) return new Map();
    const where = ids === undefined ? '' : ` where ${owner} in ${placeholders(ids)}`;
    const found = new Map<string, Record<string, string>>();
    for (const row of await this.#reader.all(`select ${owner} as owner, key, value from ${table}${where}`, ids)) {
      const name = text(row['owner']);
      const pairs = found.get(name) ?? {};
      pairs[text(row['key'])] = text(row['value']);
      found.set(name, pairs);
    }
    return found;
  }
}

function valueOf(row: SqlRow): MetricPoint['value'] {
  return truth(row['is_nan']) ? 'NaN' : number(row['value']);
}
