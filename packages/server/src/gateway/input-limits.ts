/** Limits of one request, checked before its tensors reach a queue or an engine. */
import { DaisError } from '@dais/api/errors';
import type { ServedEndpoint } from '@dais/api/gateway';
import { tensorBytes } from './tensor-rows.ts';
import type { Tensor } from './tensors.ts';

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
    // Without elements the byte size says nothing about the dimensions, and a model may create a large output from
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
