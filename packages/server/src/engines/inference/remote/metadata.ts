/** Metadata of a server and of a model in the Open Inference Protocol. Lenient where servers leave fields out. */
import { DaisError } from '@dais/api/errors';
import type { Datatype, TensorSpec } from '../contract.ts';

export interface ModelMetadata {
  /** `tensorrt_plan`, `sklearn`, …; as the server names it. */
  readonly platform: string;
  /** Empty: the server does not declare them, and any input is sent. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

const DATATYPES: ReadonlySet<unknown> = new Set<Datatype>([
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'BF16',
  'FP32',
  'FP64',
  'BYTES',
]);
/** Larger metadata is not that of a model. */
const MOST_TENSORS = 10_000;

export function isDatatype(value: unknown): value is Datatype {
  return DATATYPES.has(value);
}

/** Whether the server accepts and returns tensors as bytes. */
export function hasBinaryTensors(server: unknown): boolean {
  const extensions = isObject(server) ? server['extensions'] : undefined;
  return Array.isArray(extensions) && extensions.includes('binary_tensor_data');
}

/** `source`: the URL, for errors. @throws DaisError `invalid_request` */
export function readModelMetadata(value: unknown, source: string): ModelMetadata {
  if (!isObject(value)) refuse(source, 'it is not a JSON object');
  const { platform, inputs, outputs } = value;
  return {
    platform: typeof platform === 'string' && platform !== '' ? platform.slice(0, 100) : 'remote',
    inputs: tensorsOf(inputs, 'inputs', source),
    outputs: tensorsOf(outputs, 'outputs', source),
  };
}

function tensorsOf(list: unknown, field: string, source: string): readonly TensorSpec[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list) || list.length > MOST_TENSORS) refuse(source, `its \`${field}\` are not a list`);
  const names = new Set<string>();
  return list.map((one: unknown) => {
    if (!isObject(one) || typeof one['name'] !== 'string' || one['name'] === '')
      refuse(source, `one of its \`${field}\` has no name`);
    const { name, datatype, shape } = one;
    const called = JSON.stringify(name.slice(0, 100));
    if (!isDatatype(datatype)) {
      refuse(
        source,
        `the datatype of ${called} is ${JSON.stringify(String(datatype).slice(0, 40))}, which the protocol does not define`,
      );
    }
    const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && (size as number) >= -1);
    if (!isShape) refuse(source, `the shape of ${called} is not a list of sizes`);
    if (names.has(name)) refuse(source, `it lists ${called} twice`);
    names.add(name);
    return { name, datatype, shape: shape as number[] };
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(source: string, why: string): never {
  throw new DaisError('invalid_request', `The metadata of the model at ${source} is not valid: ${why}.`);
}
