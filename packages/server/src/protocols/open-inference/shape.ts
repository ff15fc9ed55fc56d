import { DaisError } from '@dais/api/errors';

/**
 * Returns the number of elements of a shape. Throws for an invalid shape, and for more than `most` elements, which no
 * body can contain.
 */
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
  // A product above 2^53 is far above `most`: rounding cannot hide it.
  if (count > most) {
    throw new DaisError(
      'invalid_request',
      `The input "${name}" has fewer elements than its shape [${shape.join()}] has.`,
    );
  }
  return count;
}
