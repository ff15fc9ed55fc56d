/** Hyperparameters and the end of a session, as the plugin `hparams` of TensorBoard stores them. */
import { VARINT, ProtoReader, pushElement } from '../run-logs/proto-reader.ts';
import type { RunStatus } from '@dais/api/tracking';

export interface HyperparameterData {
  readonly parameters: ReadonlyMap<string, unknown>;
  readonly status?: RunStatus;
}

const STATUS: Readonly<Record<number, RunStatus>> = { 1: 'FINISHED', 2: 'FAILED', 3: 'RUNNING' };
const DEEPEST = 20;

/** Reads `HParamsPluginData`. @throws MalformedMessage */
export function readHyperparameters(content: Buffer): HyperparameterData {
  const reader = new ProtoReader(content);
  const parameters = new Map<string, unknown>();
  let status: RunStatus | undefined;
  while (reader.next()) {
    const inner = reader.field === 3 || reader.field === 4 ? reader.message() : undefined;
    while (inner?.next() === true) {
      if (reader.field === 3 && inner.field === 1) {
        const [name, value] = readEntry(inner.message(), 0);
        parameters.set(name, value);
      } else if (reader.field === 4 && inner.field === 1) status = STATUS[inner.int()];
    }
  }
  return { parameters, ...(status !== undefined && { status }) };
}

/** Reads an entry of a map of texts to `google.protobuf.Value`. */
function readEntry(reader: ProtoReader, depth: number): [string, unknown] {
  let [name, value]: [string, unknown] = ['', null];
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) value = readValue(reader.message(), depth + 1);
  }
  return [name, value];
}

function readValue(reader: ProtoReader, depth: number): unknown {
  let value: unknown = null;
  while (reader.next()) {
    if (reader.field === 2) value = reader.double();
    else if (reader.field === 3) value = reader.text();
    else if (reader.field === 4) value = reader.wire === VARINT && reader.int() !== 0;
    else if (depth < DEEPEST && reader.field === 5) value = readStruct(reader.message(), depth);
    else if (depth < DEEPEST && reader.field === 6) value = readList(reader.message(), depth);
  }
  return value;
}

function readStruct(reader: ProtoReader, depth: number): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  while (reader.next()) if (reader.field === 1) pushElement(entries, readEntry(reader.message(), depth));
  return Object.fromEntries(entries);
}

function readList(reader: ProtoReader, depth: number): unknown[] {
  const values: unknown[] = [];
  while (reader.next()) if (reader.field === 1) pushElement(values, readValue(reader.message(), depth + 1));
  return values;
}
