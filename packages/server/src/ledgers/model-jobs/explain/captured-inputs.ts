/** Extracts the model inputs of a captured prediction. Pure. */
import { DaisError } from '@dais/api';
import type { Prediction } from '@dais/api/serving';
import type { JsonValue } from '#lib/formats/json-reader.ts';

export interface CapturedInputs {
  readonly model: string;
  readonly version: string;
  readonly rows: number;
  /** By input: the value of each row, or its numbers as a list. */
  readonly columns: ReadonlyMap<string, readonly JsonValue[]>;
}

const INPUT = 'in_';

/** @throws DaisError `invalid_state` if the prediction cannot be explained, `forbidden` if an input is masked. */
export function capturedInputs(prediction: Prediction): CapturedInputs {
  const { id, columns, rows, masked, model, version } = prediction;
  const positions = new Map(columns.map(({ name }, index) => [name, index]));
  const cell = (name: string) => rows[0]?.[positions.get(name) ?? -1];
  const hidden = masked.find((name) => name.startsWith(INPUT));
  if (hidden !== undefined) {
    const detail = `${hidden} of the prediction is masked for you, and an explanation would reveal it. Request the permission prediction:unmask.`;
    throw new DaisError('forbidden', detail);
  }
  const notExplainable = (why: string) =>
    new DaisError('invalid_state', `The prediction ${id} cannot be explained: ${why}.`);
  const status = Number(cell('status'));
  if (status >= 400) throw notExplainable(`it failed with status ${status}`);
  if (cell('erased') === true) throw notExplainable('its values were erased');
  if (cell('cut') === true) throw notExplainable('its tensors exceeded the capture limit');
  if (model === undefined || version === undefined) throw notExplainable('it does not record its model');
  const inputs = columns.filter(({ name }) => name.startsWith(INPUT));
  const captured = inputs.flatMap(({ name, type }): [string, JsonValue[]][] => {
    const values = rows.map((row) => readCell(row[positions.get(name) ?? -1], type));
    // Belongs to another request of the same hour.
    if (values.every((value) => value === null)) return [];
    return [[name.slice(INPUT.length), values]];
  });
  if (captured.length === 0) throw notExplainable('its inputs were not captured (spec.capture of the Endpoint)');
  return { model, version, rows: rows.length, columns: new Map(captured) };
}

function readCell(value: unknown, type: string): JsonValue {
  if (value === null || value === undefined) return null;
  const inner = /^list<(.*)>$/.exec(type)?.[1];
  if (inner !== undefined && Array.isArray(value)) return value.map((item: unknown) => readCell(item, inner));
  if (typeof value === 'string' && /^u?int|^decimal\(\d+,0\)/.test(type)) return BigInt(value);
  if (typeof value === 'string' && type.startsWith('float')) return Number(value);
  return value as JsonValue;
}

/** Returns the input value of a feature name of the gateway: `name`, or `name[3]` if a row has several. */
export function valueOfFeature(columns: CapturedInputs['columns'], feature: string, row: number): JsonValue {
  const whole = columns.get(feature)?.[row];
  if (whole !== undefined) return Array.isArray(whole) && whole.length === 1 ? (whole[0] as JsonValue) : whole;
  const [, name = '', index = ''] = /^(.*)\[(\d+)\]$/.exec(feature) ?? [];
  const cells = columns.get(name)?.[row];
  return Array.isArray(cells) ? ((cells as readonly JsonValue[])[Number(index)] ?? null) : null;
}
