import { DaisError } from '@dais/api/errors';

/** How many elements a shape has. Throws for what is none, and for more than `most`, which no body could hold. */
export function shapeCount(name: string, shape: readonly (number | bigint)[], most: number): number {
  let count = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0) {
      throw new DaisError(
        'invalid_request',
        `The input "${name}" has the shape [${shape.join()}]: sizes are whole numbers from 0 on.`,
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
