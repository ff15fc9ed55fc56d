/** Reads the body of an infer response. Everything in it is from another system: counts and sizes are checked before use. */
import { DaisError } from '@dais/api/errors';
import { JsonReader, JsonSyntaxError, type JsonValue } from '#lib/formats/json-reader.ts';
import type { Datatype, Tensor, TensorData } from '../contract.ts';
import { arrayTypeOf, elementsOf } from '../tensors.ts';
import { readElements } from './json-elements.ts';
import { isDatatype } from './metadata.ts';

/** Deeper than any tensor. */
const DEEPEST = 64;

/**
 * `headerLength`: value of `inference-header-content-length`. `requested`: outputs that the response must contain, in this
 * order; undefined: all that it contains.
 * @throws DaisError `model_unavailable` for a response that is not valid.
 */
export function readInfer(
  body: Buffer,
  headerLength: string | undefined,
  requested: readonly string[] | undefined,
): readonly Tensor[] {
  const jsonLength = headerLength === undefined ? body.length : Number(headerLength);
  if (!Number.isInteger(jsonLength) || jsonLength < 0 || jsonLength > body.length) {
    invalid(
      `its \`inference-header-content-length\` is ${JSON.stringify(headerLength?.slice(0, 40))} of ${body.length} bytes`,
    );
  }
  const value = parse(body, jsonLength);
  const outputs = isObject(value) ? value['outputs'] : undefined;
  if (!Array.isArray(outputs)) invalid('it has no `outputs`');
  const binary = { body, at: jsonLength };
  const tensors = new Map<string, Tensor>();
  for (const output of outputs) {
    const tensor = readOutput(output, binary);
    if (tensors.has(tensor.name)) invalid(`it contains the output \`${tensor.name}\` twice`);
    tensors.set(tensor.name, tensor);
  }
  if (binary.at !== body.length) invalid(`it has ${body.length - binary.at} bytes after the last output`);
  if (requested === undefined) return [...tensors.values()];
  return requested.map((name) => tensors.get(name) ?? invalid(`it does not contain the output \`${name}\``));
}

function parse(body: Buffer, length: number): JsonValue {
  // Python writes NaN and infinities.
  const reader = new JsonReader(body, { depth: DEEPEST, nan: true }, 0, length);
  try {
    const value = reader.value();
    reader.finish();
    return value;
  } catch (error) {
    if (error instanceof JsonSyntaxError) invalid(`it is not valid JSON: ${error.message}`);
    throw error;
  }
}

function readOutput(output: JsonValue, binary: { readonly body: Buffer; at: number }): Tensor {
  if (!isObject(output) || typeof output['name'] !== 'string') invalid('an output has no `name`');
  const { name, datatype, shape, data, parameters } = output;
  const short = name.slice(0, 100);
  if (!isDatatype(datatype)) invalid(`the output \`${short}\` has no known \`datatype\``);
  if (
    !Array.isArray(shape) ||
    !shape.every((size) => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)
  )
    invalid(`the output \`${short}\` has no valid \`shape\``);
  const sizes = shape as number[];
  const count = elementsOf(sizes);
  // Each element has at least one byte in both forms.
  if (count > binary.body.length)
    invalid(`the output \`${short}\` has fewer elements than its shape [${sizes.join()}]`);
  const size = isObject(parameters) ? parameters['binary_data_size'] : undefined;
  if (size === undefined) {
    const elements = readElements(datatype, data ?? null, count);
    if (typeof elements === 'string') invalid(`the output \`${short}\` (${datatype}) ${elements}`);
    return { name, datatype, shape: sizes, data: elements };
  }
  const left = binary.body.length - binary.at;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > left) {
    invalid(`the output \`${short}\` has a \`binary_data_size\` beyond the ${left} bytes that are left`);
  }
  const bytes = binary.body.subarray(binary.at, binary.at + size);
  binary.at += size;
  return { name, datatype, shape: sizes, data: readBytes(short, datatype, bytes, count) };
}

function readBytes(name: string, datatype: Datatype, bytes: Buffer, count: number): TensorData {
  if (datatype === 'BYTES') return readStrings(name, bytes, count);
  const type = arrayTypeOf(datatype);
  if (bytes.length !== count * type.BYTES_PER_ELEMENT) {
    invalid(`the output \`${name}\` has ${bytes.length} bytes for ${count} elements of ${datatype}`);
  }
  if (datatype === 'BOOL' && bytes.some((byte) => byte > 1))
    invalid(`the output \`${name}\` has a BOOL that is not 0 or 1`);
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new type(aligned.buffer, aligned.byteOffset, count);
}

function readStrings(name: string, bytes: Buffer, count: number): Buffer[] {
  const texts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const from = at + 4;
    const to = from <= bytes.length ? from + bytes.readUInt32LE(at) : Infinity;
    if (to > bytes.length || texts.length === count)
      invalid(`the output \`${name}\` has invalid lengths of its strings`);
    texts.push(bytes.subarray(from, to));
    at = to;
  }
  if (texts.length !== count) invalid(`the output \`${name}\` has ${texts.length} strings instead of ${count}`);
  return texts;
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(why: string): never {
  throw new DaisError('model_unavailable', `The response of the model server is not valid: ${why}.`);
}
