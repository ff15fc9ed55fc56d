/** Checks that tensors match the inputs of the model, before they join a batch. */
import { DaisError } from '@dais/api/errors';
import type { InferRequest, ServedDescription } from '../serving-protocol.ts';
import { elementCount, tensorBytes } from './tensor-rows.ts';
import type { Tensor, TensorSpec } from './tensors.ts';
import type { ServedEndpoint } from '@dais/api/gateway';

export function checkInputs(request: InferRequest, { inputs, outputs, endpoint }: ServedDescription): void {
  // A model without declared inputs accepts any input.
  if (inputs.length === 0) return;
  const given = new Set<string>();
  for (const tensor of request.inputs) {
    if (given.has(tensor.name)) throw wrong(`The input "${tensor.name}" occurs twice.`);
    given.add(tensor.name);
    const spec = inputs.find(({ name }) => name === tensor.name);
    if (spec === undefined) {
      throw wrong(`The model of "${endpoint}" has no input "${tensor.name}"; it has ${names(inputs)}.`);
    }
    checkTensor(tensor, spec);
  }
  const missing = inputs.filter(({ name, optional }) => optional !== true && !given.has(name));
  if (missing.length > 0) throw wrong(`The request is missing the inputs ${missing.map(described).join(', ')}.`);
  for (const name of request.outputs ?? []) {
    if (!outputs.some((output) => output.name === name)) {
      throw wrong(`The model of "${endpoint}" has no output "${name}"; it has ${names(outputs)}.`);
    }
  }
}

function checkTensor({ name, datatype, shape, data }: Tensor, spec: TensorSpec): void {
  if (datatype !== spec.datatype) throw wrong(`The input "${name}" is ${datatype}; expected ${described(spec)}.`);
  const fits =
    shape.length === spec.shape.length && spec.shape.every((size, index) => size === -1 || size === shape[index]);
  if (!fits) throw wrong(`The input "${name}" has the shape [${shape.join()}]; expected ${described(spec)}.`);
  if (data.length !== elementCount(shape)) {
    throw wrong(
      `The input "${name}" has ${data.length} elements; its shape [${shape.join()}] has ${elementCount(shape)}.`,
    );
  }
}

function described({ name, datatype, shape }: TensorSpec): string {
  return `"${name}" ${datatype} [${shape.join()}]`;
}

function names(specs: readonly TensorSpec[]): string {
  return specs.map(described).join(', ');
}

function wrong(message: string): DaisError {
  return new DaisError('invalid_request', message);
}

/** Returns the bytes of all inputs. @throws DaisError `too_large` */
export function checkLimits(inputs: readonly Tensor[], { name: endpoint, input: limits }: ServedEndpoint): number {
  let bytes = 0;
  for (const tensor of inputs) {
    const { name, shape } = tensor;
    const rows = shape[0] ?? 1;
    const size = tensorBytes(tensor);
    if (rows > limits.rows) {
      throw new DaisError(
        'too_large',
        `The input "${name}" has ${rows} rows; the endpoint "${endpoint}" accepts ${limits.rows} per request (\`spec.input.rows\`). Split the request.`,
      );
    }
    // Without elements the byte size does not limit the dimensions, and a model may create a large output from
    // them.
    if (size === 0 && extent(shape) > limits.bytes) {
      throw new DaisError('too_large', `The input "${name}" has the shape [${shape.join()}], which is too large.`);
    }
    bytes += size;
  }
  if (bytes > limits.bytes) {
    throw new DaisError(
      'too_large',
      `The inputs have ${bytes} bytes; the endpoint "${endpoint}" accepts ${limits.bytes} per request (\`spec.input.mb\`). Split the request.`,
    );
  }
  return bytes;
}

/** The product of all non-zero dimensions. */
function extent(shape: readonly number[]): number {
  let product = 1;
  for (const size of shape) if (size > 0) product *= size;
  return product;
}
