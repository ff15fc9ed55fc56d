/** Evaluation datasets, their records and scorers as messages of the wire. */
import { recordSources, type EvaluationDataset, type EvaluationRecord, type Scorer } from '@dais/api/tracking';
import { int32, int64, repeated, string } from './message.ts';
import { innerMap, jsonMaps, pythonStr } from './json-text.ts';
import { invalid } from './mlflow-error.ts';
import { pythonText } from './python-text.ts';

export const dataset = {
  dataset_id: string,
  name: string,
  tags: string,
  schema: string,
  profile: string,
  digest: string,
  created_time: int64,
  last_update_time: int64,
  created_by: string,
  last_updated_by: string,
  experiment_ids: repeated(string),
};

export const scorer = {
  experiment_id: int32,
  scorer_name: string,
  scorer_version: int32,
  serialized_scorer: string,
  creation_time: int64,
  scorer_id: string,
};

/** The tag with which clients identify their user. */
const USER_TAG = 'mlflow.user';
const SCHEMA_VERSION = '1.0';

export function userOf(tags: Readonly<Record<string, unknown>>): { readonly user?: string } {
  const user = tags[USER_TAG];
  return user === undefined || user === null ? {} : { user: pythonStr(user) };
}

/** The new values of tags; null values leave a tag unchanged. */
export function tagTexts(tags: Readonly<Record<string, unknown>>): Record<string, string> {
  const there = Object.entries(tags).filter(([, value]) => value !== null);
  return Object.fromEntries(there.map(([key, value]) => [key, pythonStr(value)]));
}

/** Experiments are included only in the response to the creation; clients request them on access. */
export function datasetMessage(of: EvaluationDataset) {
  return {
    dataset_id: of.id,
    name: of.name,
    tags: JSON.stringify(of.tags),
    schema: of.schema && JSON.stringify({ ...of.schema, version: SCHEMA_VERSION }),
    profile: of.records === 0 ? undefined : JSON.stringify({ num_records: of.records }),
    digest: of.digest,
    created_time: of.createdAt,
    last_update_time: of.updatedAt,
    created_by: of.createdBy,
    last_updated_by: of.updatedBy,
  };
}

export function recordMessage(datasetId: string, record: EvaluationRecord) {
  const { source } = record;
  const sourceId = source?.data[source.type === 'TRACE' ? 'trace_id' : 'source_id'];
  return {
    dataset_record_id: record.id,
    dataset_id: datasetId,
    inputs: record.inputs,
    ...(record.outputs !== null && { outputs: record.outputs }),
    expectations: record.expectations,
    tags: record.tags,
    ...(source !== undefined && {
      source: { source_type: source.type, source_data: source.data },
      ...(typeof sourceId === 'string' && { source_id: sourceId }),
      source_type: source.type,
    }),
    created_time: record.createdAt,
    last_update_time: record.updatedAt,
    created_by: record.createdBy,
    last_updated_by: record.updatedBy,
  };
}

/** Records as clients send them: JSON in a text. @throws MlflowError naming the place. */
export function recordsOf(text: string) {
  return jsonMaps(text, 'records').map((record, index) => {
    const locate = (name: string) => `records[${index}].${name}`;
    const tags = innerMap(record['tags'], locate('tags'));
    const expectations = innerMap(record['expectations'], locate('expectations'));
    const source = innerMap(record['source'], locate('source'));
    return {
      inputs: innerMap(record['inputs'], locate('inputs')) ?? {},
      ...('outputs' in record && { outputs: record['outputs'] }),
      ...(expectations !== undefined && { expectations }),
      ...(tags !== undefined && { tags, ...userOf(tags) }),
      ...(source !== undefined && {
        source: {
          type: sourceType(source['source_type']),
          data: innerMap(source['source_data'], locate('source')) ?? {},
        },
      }),
    };
  });
}

function sourceType(given: unknown): (typeof recordSources)[number] {
  const requested = typeof given === 'string' ? given.toUpperCase() : pythonStr(given ?? null);
  const found = recordSources.find((one) => one === requested);
  if (found !== undefined) return found;
  const valid = recordSources.map(pythonText).join(', ');
  throw invalid(`Invalid dataset record source type: ${requested.slice(0, 200)}. Valid source types: [${valid}]`);
}

export function scorerMessage(of: Scorer) {
  return {
    experiment_id: Number(of.experimentId),
    scorer_name: of.name,
    scorer_version: of.version,
    serialized_scorer: of.definition,
    creation_time: of.createdAt,
    scorer_id: of.id,
  };
}
