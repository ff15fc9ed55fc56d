/** The body of an infer request over HTTP: JSON, JSON followed by binary tensors, or a single binary tensor. */
import { DaisError } from '@dais/api/errors';
import {
  elementBytes,
  ElementWriter,
  isDatatype,
  type Datatype,
  type Parameters,
  type ServedDescription,
  type Tensor,
} from '#gateway/index.ts';
import { JsonSyntaxError, JsonReader, type JsonReading, type JsonValue } from '#lib/formats/json-reader.ts';
import { decodeTensor, shapeCount } from './raw-tensor.ts';

export interface RestRequest {
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly inputs: readonly Tensor[];
  /** Undefined: all outputs. */
  readonly outputs: readonly RequestedOutput[] | undefined;
}

export interface RequestedOutput {
  readonly name: string;
  readonly parameters: Parameters;
}

/** Deeper than any tensor. */
const DEEPEST = 64;
const NONE: Parameters = {};

/** `headerLength`: length of the JSON; the tensors follow. */
export function readRest(body: Buffer, headerLength: number, nan: boolean): RestRequest {
  const reading: JsonReading = { depth: DEEPEST, nan };
  const reader = new JsonReader(body, reading, 0, headerLength);
  let id: string | undefined;
  let parameters = NONE;
  let outputs: RequestedOutput[] | undefined;
  let inputs: Tensor[] | undefined;
  const binary = { body, at: headerLength };
  try {
    if (!reader.isObject()) reader.fail('expected an object with "inputs"');
    reader.object((key) => {
      if (key === 'id') id = reader.text();
      else if (key === 'parameters') parameters = readParameters(reader);
      else if (key === 'outputs') outputs = readOutputs(reader);
      else if (key === 'inputs') {
        const read: Tensor[] = [];
        reader.array(() => read.push(readInput(reader, reading, binary)));
        inputs = read;
      } else reader.value();
    });
    reader.finish();
  } catch (error) {
    if (error instanceof JsonSyntaxError)
      throw new DaisError('unreadable_body', `The body is not valid: ${error.message}.`);
    throw error;
  }
  if (inputs === undefined) throw new DaisError('invalid_request', 'The request has no "inputs".');
  if (binary.at !== body.length) {
    const left = body.length - binary.at;
    throw new DaisError('invalid_request', `The body has ${left} bytes after the last tensor.`);
  }
  return { id, parameters, inputs, outputs };
}

/** Reads a single binary tensor: the only input, as a batch of one. */
export function readRawRest(body: Buffer, { inputs, endpoint }: ServedDescription): RestRequest {
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) {
    throw new DaisError(
      'invalid_request',
      `A single binary tensor requires a model with one input; "${endpoint}" has ${inputs.length}.`,
    );
  }
  const { name, datatype, shape } = input;
  // A batch of one, if the first dimension is the batch dimension.
  const sizes = shape.map((size, index) => (index === 0 && size === -1 && shape.length > 1 ? 1 : size));
  if (datatype === 'BYTES') {
    const one = sizes.map((size) => (size === -1 ? 1 : size));
    if (one.some((size) => size !== 1)) {
      throw new DaisError(
        'invalid_request',
        `A single binary string requires an input with one element; "${name}" has [${shape.join()}].`,
      );
    }
    return alone({ name, datatype, shape: one, data: [body] });
  }
  const open = sizes.filter((size) => size === -1).length;
  const fixed = sizes.reduce((product, size) => product * (size === -1 ? 1 : size), 1);
  const count = open === 0 ? fixed : Math.floor(body.length / (elementBytes(datatype) as number));
  if (open > 1 || (open === 1 && count % fixed !== 0)) {
    throw new DaisError(
      'invalid_request',
      `The ${body.length} bytes of the body do not fit the tensor "${name}" of shape [${shape.join()}].`,
    );
  }
  const data = decodeTensor(name, datatype, body, count);
  return alone({ name, datatype, shape: sizes.map((size) => (size === -1 ? count / fixed : size)), data });
}

function alone(tensor: Tensor): RestRequest {
  return { id: undefined, parameters: NONE, inputs: [tensor], outputs: undefined };
}

function readInput(reader: JsonReader, reading: JsonReading, binary: { readonly body: Buffer; at: number }): Tensor {
  let name: string | undefined;
  let datatype: JsonValue | undefined;
  let shape: JsonValue | undefined;
  let parameters = NONE;
  let elements: ElementWriter | undefined;
  let span: readonly [number, number] | undefined;
  reader.object((key) => {
    if (key === 'name') name = reader.text();
    else if (key === 'datatype') datatype = reader.value();
    else if (key === 'shape') shape = reader.value();
    else if (key === 'parameters') parameters = readParameters(reader);
    else if (key === 'data') {
      // Nearly always after the other fields; otherwise it is read when they are known.
      if (name !== undefined && datatype !== undefined && shape !== undefined) {
        elements = readData(reader, declared(name, datatype, shape, binary.body.length));
      } else span = reader.span();
    } else reader.value();
  });
  const found = declared(name, datatype, shape, binary.body.length);
  const size = parameters['binary_data_size'];
  if (size !== undefined) {
    if (span !== undefined || elements !== undefined) {
      throw new DaisError('invalid_request', `The input "${found.name}" has both "data" and "binary_data_size".`);
    }
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || binary.at + size > binary.body.length) {
      throw new DaisError(
        'invalid_request',
        `The input "${found.name}" has "binary_data_size" ${size}; ${binary.body.length - binary.at} bytes are left.`,
      );
    }
    const bytes = binary.body.subarray(binary.at, binary.at + size);
    binary.at += size;
    return { ...found, data: decodeTensor(found.name, found.datatype, bytes, found.count) };
  }
  if (span !== undefined) elements = readData(new JsonReader(binary.body, reading, ...span), found);
  if (elements === undefined) throw new DaisError('invalid_request', `The input "${found.name}" has no "data".`);
  return { name: found.name, datatype: found.datatype, shape: found.shape, data: elements.data };
}

interface Declared {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly count: number;
}

function declared(
  name: string | undefined,
  datatype: JsonValue | undefined,
  shape: JsonValue | undefined,
  bodyLength: number,
): Declared {
  if (name === undefined) throw new DaisError('invalid_request', 'An input has no "name".');
  if (!isDatatype(datatype)) {
    const named = typeof datatype === 'string' ? `"${datatype.slice(0, 40)}"` : 'a datatype that is not a string';
    const problem = datatype === undefined ? 'no "datatype"' : `the unknown datatype ${named}`;
    throw new DaisError('invalid_request', `The input "${name}" has ${problem}.`);
  }
  if (!Array.isArray(shape)) throw new DaisError('invalid_request', `The input "${name}" has no "shape".`);
  const sizes = shape as number[];
  // Each element has at least one byte.
  return { name, datatype, shape: sizes, count: shapeCount(name, sizes, bodyLength) };
}

/** Flat, or nested as the shape. */
function readData(reader: JsonReader, { name, datatype, shape, count }: Declared): ElementWriter {
  const elements = new ElementWriter(name, datatype, count);
  // Required number of elements of each nested array.
  const sizes: number[] = [];
  for (let index = shape.length - 1, size = 1; index >= 0; index--) sizes[index] = size *= shape[index] as number;
  let depth = 0;
  const item = () => {
    if (reader.isArray()) list();
    else if (reader.isText()) elements.text(reader.text());
    else {
      const byte = reader.peek();
      // t, f
      if (byte === 116 || byte === 102) elements.truth(reader.truth());
      // n: null, the only other value, which is not a number.
      else if (byte === 110 || byte === 123) {
        elements.wrong(reader.value() === null ? 'null' : 'an object');
      } else elements.number(reader.number());
    }
  };
  const list = () => {
    const from = elements.count;
    const level = depth++;
    reader.array(item);
    depth--;
    if (level > 0 && elements.count - from !== sizes[level]) {
      throw new DaisError(
        'invalid_request',
        `A nested array of the data of "${name}" has ${elements.count - from} elements; the shape [${shape.join()}] requires ${sizes[level] ?? 'none'}.`,
      );
    }
  };
  if (!reader.isArray()) reader.fail(`the data of "${name}" is not an array`);
  list();
  if (elements.count !== count) {
    throw new DaisError(
      'invalid_request',
      `The input "${name}" has ${elements.count} elements; its shape [${shape.join()}] has ${count}.`,
    );
  }
  return elements;
}

function readOutputs(reader: JsonReader): RequestedOutput[] {
  const outputs: RequestedOutput[] = [];
  const named = new Set<string>();
  reader.array(() => {
    let name: string | undefined;
    let parameters = NONE;
    reader.object((key) => {
      if (key === 'name') name = reader.text();
      else if (key === 'parameters') parameters = readParameters(reader);
      else reader.value();
    });
    if (name === undefined) throw new DaisError('invalid_request', 'An output has no "name".');
    if (named.has(name)) throw new DaisError('invalid_request', `The output "${name}" is requested twice.`);
    named.add(name);
    outputs.push({ name, parameters });
  });
  return outputs;
}

function readParameters(reader: JsonReader): Parameters {
  const parameters: Record<string, string | number | boolean> = {};
  reader.object((key) => {
    const value = reader.value();
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') parameters[key] = value;
    else throw new DaisError('invalid_request', `The parameter "${key}" must be a string, a number or a boolean.`);
  });
  return parameters;
}
