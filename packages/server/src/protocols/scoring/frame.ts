/** The table of a request. */
import { DaisError } from '@dais/api/errors';
import type { InputTable } from '#gateway/index.ts';
import { JsonSyntaxError, JsonReader, type JsonValue } from '#lib/formats/json-reader.ts';

export interface ScoringBody {
  readonly given: InputTable;
  readonly params: Readonly<Record<string, JsonValue>>;
}

const FORMS = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;
const FIELDS = `exactly one of the fields ${FORMS.join(', ')}`;
const DEEPEST = 64;

type JsonObject = Record<string, JsonValue>;

/** Fields of `application/json` of MLflow's scoring server. */
export function readScoringBody(body: Buffer): ScoringBody {
  const value = readJson(body);
  if (!isObject(value)) throw wrong(`The body must be a JSON object with ${FIELDS}.`);
  const named = FORMS.filter((form) => Object.hasOwn(value, form));
  const [form] = named;
  if (form === undefined || named.length > 1) {
    throw wrong(
      `The body is a JSON object with ${named.length === 0 ? 'none of the fields' : named.join(' and ')}; expected ${FIELDS}.`,
    );
  }
  const params = value['params'] ?? {};
  if (!isObject(params)) throw wrong('"params" must be an object.');
  return { given: readForm(form, value[form] as JsonValue), params };
}

/** Parses a request of the KServe V1 protocol. */
export function readInstances(body: Buffer): ScoringBody {
  const value = readJson(body);
  if (!isObject(value)) throw wrong('The body must be a JSON object with "instances".');
  const form = Object.hasOwn(value, 'instances') ? 'instances' : 'inputs';
  if (!Object.hasOwn(value, form)) throw wrong('The request has no "instances".');
  return { given: readForm(form, value[form] as JsonValue), params: {} };
}

function readForm(form: (typeof FORMS)[number], value: JsonValue): InputTable {
  switch (form) {
    case 'dataframe_split':
      return readSplit(value);
    case 'dataframe_records':
      return readRecords(list(value, form), form);
    case 'instances': {
      const rows = list(value, form);
      return rows.length > 0 && rows.every(isObject) ? readRecords(rows, form) : { kind: 'tensor', value: rows };
    }
    case 'inputs':
      if (Array.isArray(value) && value.length > 0 && value.every(isObject)) return readRecords(value, form);
      if (Array.isArray(value)) return { kind: 'tensor', value };
      if (isObject(value)) return { kind: 'tensors', values: new Map(Object.entries(value)) };
      throw wrong('"inputs" must be a list or an object of lists.');
    default:
      return form satisfies never;
  }
}

function readSplit(value: JsonValue): InputTable {
  if (!isObject(value)) throw wrong('"dataframe_split" must be an object with "columns" and "data".');
  const data = list(value['data'] ?? null, 'dataframe_split.data').map((row, index) =>
    list(row, `dataframe_split.data[${index}]`),
  );
  if (value['columns'] === undefined) return { kind: 'rows', rows: data };
  const names = list(value['columns'], 'dataframe_split.columns').map(String);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw wrong(`The column "${twice}" occurs twice.`);
  const uneven = data.findIndex((row) => row.length !== names.length);
  if (uneven >= 0)
    throw wrong(`Row ${uneven} has ${data[uneven]?.length} values, but there are ${names.length} columns.`);
  const columns = new Map(names.map((name, index) => [name, data.map((row) => row[index] as JsonValue)]));
  return { kind: 'table', columns, rows: data.length };
}

/** A missing key of a record is a missing value. */
function readRecords(records: readonly JsonValue[], form: string): InputTable {
  const columns = new Map<string, JsonValue[]>();
  for (const [index, record] of records.entries()) {
    if (!isObject(record)) throw wrong(`Row ${index} of "${form}" must be an object.`);
    for (const [name, value] of Object.entries(record)) {
      let column = columns.get(name);
      if (column === undefined) columns.set(name, (column = Array.from({ length: index }, () => null)));
      column.push(value);
    }
    for (const column of columns.values()) if (column.length === index) column.push(null);
  }
  return { kind: 'table', columns, rows: records.length };
}

function readJson(body: Buffer): JsonValue {
  // Python writes NaN into JSON.
  const reader = new JsonReader(body, { depth: DEEPEST, nan: true });
  try {
    const value = reader.value();
    reader.finish();
    return value;
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      throw new DaisError('unreadable_body', `The body is not valid JSON: ${error.message}.`);
    throw error;
  }
}

function list(value: JsonValue, what: string): readonly JsonValue[] {
  if (Array.isArray(value)) return value;
  throw wrong(`"${what}" must be a list.`);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(message: string): DaisError {
  return new DaisError('invalid_request', message);
}
