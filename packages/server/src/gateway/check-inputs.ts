/** Checks that tensors match the inputs of the model, before they join a batch. */
import { DaisError } from '@dais/api/errors';
import type { InferRequest, ServedDescription } from './serving-door.ts';
import { elementCount } from './tensor-rows.ts';
import type { Tensor, TensorSpec } from './tensors.ts';

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
