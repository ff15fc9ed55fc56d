/**
 * Triton's classification extension: an output as its highest values with their indexes, `0.870000:3`.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
 */
import { DaisError } from '@dais/api/errors';
import type { Datatype, InferResponse, Parameters, Tensor } from '#gateway/index.ts';

/** Name of the parameter of a requested output. */
const CLASSIFICATION = 'classification';

const FLOATS: ReadonlySet<Datatype> = new Set(['FP32', 'FP64']);
const WITHOUT_ORDER: ReadonlySet<Datatype> = new Set(['BOOL', 'BYTES', 'FP16', 'BF16']);

/** Returns the number of requested classes of an output; undefined: its values. @throws DaisError `invalid_request` */
export function requestedClasses(name: string, parameters: Parameters): number | undefined {
  const count = parameters[CLASSIFICATION];
  if (count === undefined || count === 0) return undefined;
  if (typeof count === 'number' && Number.isSafeInteger(count) && count > 0) return count;
  throw new DaisError(
    'invalid_request',
    `The parameter ${CLASSIFICATION} of the output "${name}" is ${JSON.stringify(count)}; it must be a positive integer.`,
  );
}

/** Replaces outputs by their classes. `classes`: the requested number by output. */
export function classified(
  { outputs, described }: Pick<InferResponse, 'outputs' | 'described'>,
  classes: ReadonlyMap<string, number>,
): readonly Tensor[] {
  if (classes.size === 0) return outputs;
  return outputs.map((output) => {
    const count = classes.get(output.name);
    if (count === undefined) return output;
    const isBatch = described.outputs.find(({ name }) => name === output.name)?.shape[0] === -1;
    return topClasses(output, count, isBatch);
  });
}

/** With a batch dimension, each row has classes of its own. @throws DaisError `invalid_request` */
function topClasses({ name, datatype, shape, data }: Tensor, count: number, isBatch: boolean): Tensor {
  if (WITHOUT_ORDER.has(datatype)) {
    throw new DaisError(
      'invalid_request',
      `The output "${name}" of type ${datatype} has no classes. Request it without the parameter ${CLASSIFICATION}.`,
    );
  }
  const values = data as ArrayLike<number | bigint>;
  const rows = isBatch ? (shape[0] ?? 0) : 1;
  const width = rows === 0 ? 0 : values.length / rows;
  const classes = Math.min(count, width);
  const texts: Buffer[] = [];
  for (let row = 0; row < rows; row++) {
    const order = Array.from({ length: width }, (_, index) => index).toSorted((a, b) =>
      descending(values[row * width + a]!, values[row * width + b]!),
    );
    for (const index of order.slice(0, classes)) {
      texts.push(Buffer.from(`${valueText(datatype, values[row * width + index]!)}:${index}`));
    }
  }
  return { name, datatype: 'BYTES', shape: isBatch ? [rows, classes] : [classes], data: texts };
}

/** NaN is the last. */
function descending(a: number | bigint, b: number | bigint): number {
  if (a > b || Number.isNaN(b)) return Number.isNaN(a) ? 0 : -1;
  return a < b || Number.isNaN(a) ? 1 : 0;
}

/** Six decimals, as Triton writes them. */
function valueText(datatype: Datatype, value: number | bigint): string {
  return FLOATS.has(datatype) && Number.isFinite(value) ? Number(value).toFixed(6) : String(value).toLowerCase();
}
