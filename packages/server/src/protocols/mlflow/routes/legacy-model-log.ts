import { logRunOperation, readRunOperation } from '@dais/api/tracking';
import type { CallOperation } from '../route.ts';
import { invalid } from '../wire/mlflow-error.ts';
import { refusedRun } from './run-errors.ts';

/** The tag in which clients before MLflow 3 store the models of a run: a JSON list. */
const HISTORY_TAG = 'mlflow.log-model.history';
const NEEDED = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'] as const;

export async function appendLoggedModel(id: string, json: string, call: CallOperation): Promise<unknown> {
  const model = readMap(json);
  if (model === undefined) throw invalid(`Malformed model info. \n ${json.slice(0, 1000)} \n is not a valid JSON.`);
  const absent = NEEDED.filter((field) => !(field in model));
  if (absent.length > 0) {
    throw invalid(`Model json is missing mandatory fields: {${absent.map((field) => `'${field}'`).join(', ')}}`);
  }
  const { tags } = await call(readRunOperation, { id }, refusedRun(id));
  // A value from a client that is not a list is kept: the model is recorded in addition to it.
  const before = readList(tags[HISTORY_TAG] ?? '[]');
  const value = JSON.stringify([...before, model]);
  return await call(logRunOperation, { id, tags: [{ key: HISTORY_TAG, value }] }, refusedRun(id));
}

function readMap(json: string): Readonly<Record<string, unknown>> | undefined {
  const value = read(json);
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap ? (value as Readonly<Record<string, unknown>>) : undefined;
}

function readList(json: string): readonly unknown[] {
  const value = read(json);
  return Array.isArray(value) ? value : [];
}

function read(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
