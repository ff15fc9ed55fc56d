/**
 * @dais/server is optional: a machine that only calls a server does not need it.
 */
import type * as serverFace from '@dais/server';
import type * as upFace from '@dais/server/up';
import { DaisError } from '@dais/api/errors';

/**
 * @throws DaisError `not_found` with the install command.
 */
export async function loadServer(): Promise<typeof serverFace> {
  return await import('@dais/server').catch(explainMissing);
}

/**
 * Only the supervisor: it takes half of the CPU of loading the whole package.
 *
 * @throws DaisError `not_found` with the install command.
 */
export async function loadUp(): Promise<typeof upFace> {
  return await import('@dais/server/up').catch(explainMissing);
}

function explainMissing(error: unknown): never {
  if (!isMissing(error)) throw error;
  throw new DaisError(
    'not_found',
    'This command needs the package @dais/server, which is not installed here: npm install @dais/server.',
    { cause: error },
  );
}

function isMissing(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes("'@dais/server'");
}
