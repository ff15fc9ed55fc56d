import { DaisError } from '@dais/api/errors';

/** How many elements a shape has. Throws for what is none, and for more than `most`, which no body could hold. */
export function shapeCount(name: string, shape: readonly (number | bigint)[], most: number): number {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
      throw new DaisError(
        'invalid_request',
        `The input "${name}" has the invalid shape [${shape.join()}]. Dimensions must be integers from 0.`,
      );
    }
    count *= size;
  }
  // A product beyond 2^53 is far beyond `most` too: rounding cannot hide it.
  if (count > most) {
    throw new DaisError(
      'invalid_request',
      `The input "${name}" has fewer elements than its shape [${shape.join()}] has.`,
    );
  }
  return count;
}
