import { hash } from 'node:crypto';

/** What is kept of a secret of 128 random bits or more: nothing faster than trying all of them finds it again. */
export function secretDigest(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** Returns cryptographically secure random bytes. */
export type RandomSource = (bytes: number) => Buffer;
