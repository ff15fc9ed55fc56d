import { hash } from 'node:crypto';

/** What is kept of a secret of 128 random bits or more: nothing faster than trying all of them finds it again. */
export function secretDigest(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** Gives so many random bytes that nobody can foresee. */
export type RandomSource = (bytes: number) => Buffer;
