/** Reads the signature of an MLflow model from the three JSON texts of `MLmodel` (mlflow.models.signature). */
import { DaisError } from '@dais/api';
import type { Datatype, TensorSpec } from '../contract.ts';
import type { MlmodelFile } from '../model-location.ts';

/** `json`: arrays, objects and maps, as JSON text in BYTES. */
export type ColumnKind =
  | 'boolean'
  | 'integer'
  | 'long'
  | 'float'
  | 'double'
  | 'string'
  | 'binary'
  | 'datetime'
  | 'json';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly isOptional: boolean;
}

export type SignatureInputs =
  | { readonly form: 'columns'; readonly isNamed: boolean; readonly columns: readonly Column[] }
  /** One array without a name: any input name is accepted. */
  | { readonly form: 'tensor'; readonly tensors: readonly TensorSpec[] }
  | { readonly form: 'tensors'; readonly tensors: readonly TensorSpec[] }
  /** No signature: inputs are passed unchanged. */
  | { readonly form: 'open' };

export interface Signature {
  readonly inputs: SignatureInputs;
  readonly inputSpecs: readonly TensorSpec[];
  readonly outputSpecs: readonly TensorSpec[];
  readonly params: readonly string[];
}

const DATATYPES: Readonly<Record<ColumnKind, Datatype>> = {
  boolean: 'BOOL',
  integer: 'INT32',
  long: 'INT64',
  float: 'FP32',
  double: 'FP64',
  string: 'BYTES',
  binary: 'BYTES',
  datetime: 'BYTES',
  json: 'BYTES',
};

const ARRAY_DATATYPES: Readonly<Record<string, Datatype>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  object: 'BYTES',
  str: 'BYTES',
};

interface SchemaEntry {
  readonly type?: string;
  readonly name?: string;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly 'tensor-spec'?: { readonly dtype?: string; readonly shape?: readonly number[] };
}

/** @throws DaisError `invalid_request` for an invalid signature */
export function readSignature(description: MlmodelFile): Signature {
  const signature = (description['signature'] ?? {}) as Record<string, unknown>;
  const inputs = inputsOf(entries(signature['inputs'], 'inputs'));
  const outputs = entries(signature['outputs'], 'outputs');
  return {
    inputs,
    inputSpecs:
      inputs.form === 'open' ? [] : inputs.form === 'columns' ? inputs.columns.map(specOfColumn) : inputs.tensors,
    outputSpecs: outputs.map((entry) =>
      isTensor(entry) ? tensorOf(entry, 'output') : specOfColumn(columnOf(entry, 'output')),
    ),
    params: entries(signature['params'], 'params').flatMap(({ name }) => (name === undefined ? [] : [name])),
  };
}

function inputsOf(list: readonly SchemaEntry[]): SignatureInputs {
  const [first] = list;
  if (first === undefined) return { form: 'open' };
  if (isTensor(first)) {
    const form = list.length === 1 && first.name === undefined ? 'tensor' : 'tensors';
    return { form, tensors: list.map((entry) => tensorOf(entry, 'input')) };
  }
  const isNamed = first.name !== undefined;
  return { form: 'columns', isNamed, columns: list.map((entry, at) => columnOf(entry, String(at))) };
}

function isTensor(entry: SchemaEntry): boolean {
  return entry.type === 'tensor';
}

function tensorOf({ name, 'tensor-spec': spec }: SchemaEntry, fallback: string): TensorSpec {
  const dtype = spec?.dtype ?? '';
  const datatype = ARRAY_DATATYPES[dtype] ?? (dtype.startsWith('<U') ? 'BYTES' : undefined);
  if (datatype === undefined || !Array.isArray(spec?.shape)) {
    refuse(`the tensor \`${name ?? fallback}\` of its signature has the unsupported dtype ${JSON.stringify(dtype)}`);
  }
  return { name: name ?? fallback, datatype, shape: spec.shape as number[] };
}

function columnOf({ name, type = '', required, optional }: SchemaEntry, fallback: string): Column {
  const isPlain = type in DATATYPES && type !== 'json';
  const isKnown = isPlain || ['array', 'object', 'map', 'any', 'sparkml-vector'].includes(type);
  if (!isKnown)
    refuse(`the column \`${name ?? fallback}\` of its signature has the unsupported type ${JSON.stringify(type)}`);
  return {
    name: name ?? fallback,
    kind: isPlain ? (type as ColumnKind) : 'json',
    isOptional: required === false || optional === true,
  };
}

function specOfColumn({ name, kind, isOptional }: Column): TensorSpec {
  return { name, datatype: DATATYPES[kind], shape: [-1], ...(isOptional && { optional: true }) };
}

function entries(text: unknown, part: string): readonly SchemaEntry[] {
  if (text === undefined || text === null) return [];
  try {
    const list: unknown = typeof text === 'string' ? JSON.parse(text) : text;
    if (Array.isArray(list)) return list as SchemaEntry[];
  } catch {
    // Reported below.
  }
  return refuse(`\`${part}\` in its signature is not a JSON list`);
}

function refuse(why: string): never {
  throw new DaisError('invalid_request', `The \`MLmodel\` cannot be served: ${why}.`);
}
