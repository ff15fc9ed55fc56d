/** Joins the outputs of rows that ran one by one. A missing value may have another type than a present one. */
import { DaisError } from '@dais/api/errors';
import { joinRows } from '../tensors/tensor-rows.ts';
import type { Tensor } from '../tensors/tensors.ts';

/** @throws DaisError `invalid_request` if the outputs of two rows do not fit one column. */
export function joinOutputs(answers: readonly (readonly Tensor[])[]): readonly Tensor[] {
  const [first = []] = answers;
  return first.flatMap(({ name }) => {
    const parts = answers.map((tensors) => tensors.find((tensor) => tensor.name === name));
    if (!parts.every((part) => part !== undefined)) throw differ(name, 'nothing', 'something');
    return joinRows(alike(name, parts).map((part) => [part]));
  });
}

function alike(name: string, parts: readonly Tensor[]): readonly Tensor[] {
  const present = parts.filter((part) => !isMissing(part));
  const [first = parts[0] as Tensor] = present;
  const { datatype } = present.find((part) => part.datatype !== first.datatype) ?? first;
  const isText = first.datatype === 'BYTES';
  if (isText !== (datatype === 'BYTES')) throw differ(name, first.datatype, datatype);
  // Two numeric types: an integer where other rows have fractions or missing values.
  const target = datatype === first.datatype ? datatype : 'FP64';
  return parts.map((part): Tensor => {
    if (part.shape.slice(1).join() !== first.shape.slice(1).join()) {
      throw differ(name, `[${part.shape.join()}]`, `[${first.shape.join()}]`);
    }
    if (part.datatype === target) return part;
    const { shape, data } = part;
    if (isMissing(part)) return gaps(name, first, target, shape, data.length);
    return { name, datatype: 'FP64', shape, data: Float64Array.from(data as Float64Array, Number) };
  });
}

function gaps(
  name: string,
  { data }: Tensor,
  target: Tensor['datatype'],
  shape: readonly number[],
  count: number,
): Tensor {
  if (target === 'FP64' || target === 'FP32') {
    const Kind = target === 'FP64' ? Float64Array : Float32Array;
    return { name, datatype: target, shape, data: new Kind(count).fill(Number.NaN) };
  }
  const Kind = data.constructor as new (length: number) => Uint8Array;
  return { name, datatype: target, shape, data: new Kind(count), nulls: new Uint8Array(count).fill(1) };
}

function isMissing({ datatype, data, nulls }: Tensor): boolean {
  return datatype === 'BYTES' && nulls !== undefined && nulls.length === data.length && nulls.every((one) => one === 1);
}

function differ(name: string, one: string, other: string): DaisError {
  return new DaisError(
    'invalid_request',
    `The model returned "${name}" as ${one} for one row and as ${other} for another.`,
  );
}
