/** Evaluation datasets and scorers in the database of a tracking server. */
import type { EvaluationRecord } from '@dais/api/tracking';
import { recordOf } from './record-json.ts';
import type { SqlReader, SqlRow } from './sql-reader.ts';
import { grouped, named, number, placeholders, text } from './sql-values.ts';
import type { SourceDataset, SourceScorer } from './source.ts';
import { schemaOf } from './trace-words.ts';

const PAGE = 1000;
/** Outputs that are not maps are stored under this key, and maps too. */
const WRAPPED = 'mlflow_wrapped';

export class SqlEvaluation {
  readonly #reader: SqlReader;
  readonly #tables: ReadonlySet<string>;

  constructor(reader: SqlReader, tables: ReadonlySet<string>) {
    this.#reader = reader;
    this.#tables = tables;
  }

  async *datasets(): AsyncGenerator<SourceDataset> {
    if (!this.#tables.has('evaluation_datasets')) return;
    for (let after = ''; ;) {
      const rows = await this.#reader.all(
        `select * from evaluation_datasets where dataset_id > ? order by dataset_id limit ${PAGE}`,
        [after],
      );
      const last = rows.at(-1);
      if (last === undefined) return;
      yield* await this.#hydrate(rows);
      after = text(last['dataset_id']);
    }
  }

  async #hydrate(rows: readonly SqlRow[]): Promise<SourceDataset[]> {
    const ids = rows.map((row) => text(row['dataset_id']));
    const tags = grouped(
      await this.#reader.all(`select * from evaluation_dataset_tags where dataset_id in ${placeholders(ids)}`, ids),
      'dataset_id',
    );
    const experiments = await this.#experiments(ids);
    return rows.map((row) => {
      const id = text(row['dataset_id']);
      const schema = schemaOf(text(row['schema']));
      return {
        id,
        name: text(row['name']),
        digest: text(row['digest']),
        ...(schema !== undefined && { schema }),
        experimentIds: experiments.get(id) ?? [],
        tags: Object.fromEntries((tags.get(id) ?? []).map((tag) => [text(tag['key']), text(tag['value'])])),
        createdAt: number(row['created_time']),
        updatedAt: number(row['last_update_time']),
        ...named('createdBy', row['created_by']),
        ...named('updatedBy', row['last_updated_by']),
      };
    });
  }

  /** Either side of a link can be the dataset. */
  async #experiments(ids: readonly string[]): Promise<ReadonlyMap<string, string[]>> {
    const found = new Map<string, string[]>();
    if (!this.#tables.has('entity_associations')) return found;
    for (const [dataset, experiment] of [
      ['source', 'destination'],
      ['destination', 'source'],
    ] as const) {
      const rows = await this.#reader.all(
        `select ${dataset}_id as dataset, ${experiment}_id as experiment from entity_associations
         where ${dataset}_type = 'evaluation_dataset' and ${experiment}_type = 'experiment' and ${dataset}_id in ${placeholders(ids)}`,
        ids,
      );
      for (const row of rows) {
        const list = found.get(text(row['dataset'])) ?? [];
        found.set(text(row['dataset']), list);
        list.push(text(row['experiment']));
      }
    }
    return found;
  }

  async *records(id: string): AsyncGenerator<EvaluationRecord[]> {
    for (let from = 0; ; from += PAGE) {
      // PostgreSQL's driver would parse JSON columns automatically.
      const rows = await this.#reader.all(
        `select dataset_record_id, cast(inputs as text) as inputs, cast(outputs as text) as outputs,
           cast(expectations as text) as expectations, cast(tags as text) as tags, cast(source as text) as source,
           created_time, last_update_time, created_by, last_updated_by
         from evaluation_dataset_records where dataset_id = ? order by created_time, dataset_record_id
         limit ${PAGE} offset ${from}`,
        [id],
      );
      if (rows.length > 0) yield rows.map(recordOfRow);
      if (rows.length < PAGE) return;
    }
  }

  async *scorers(experimentId: string): AsyncGenerator<SourceScorer> {
    if (!this.#tables.has('scorers') || !this.#tables.has('scorer_versions')) return;
    const rows = await this.#reader.all(
      `select s.scorer_id, s.scorer_name, v.scorer_version, v.serialized_scorer, v.creation_time
       from scorers s join scorer_versions v on v.scorer_id = s.scorer_id
       where s.experiment_id = ? order by s.scorer_name, v.scorer_version`,
      [Number(experimentId)],
    );
    for (const row of rows) {
      yield {
        id: text(row['scorer_id']),
        name: text(row['scorer_name']),
        version: number(row['scorer_version']),
        definition: text(row['serialized_scorer']),
        createdAt: number(row['creation_time']),
      };
    }
  }
}

function recordOfRow(row: SqlRow): EvaluationRecord {
  const json = (column: string): unknown => JSON.parse(text(row[column]) || 'null');
  const outputs = json('outputs');
  return recordOf({
    ...row,
    inputs: json('inputs'),
    outputs:
      typeof outputs === 'object' && outputs !== null && Object.hasOwn(outputs, WRAPPED)
        ? (outputs as Readonly<Record<string, unknown>>)[WRAPPED]
        : outputs,
    expectations: json('expectations'),
    tags: json('tags'),
    source: json('source'),
  });
}
