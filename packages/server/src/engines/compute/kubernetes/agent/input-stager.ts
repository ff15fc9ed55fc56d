/** Fetches the inputs of the task into its working folder, before the command starts. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { byteText } from '#lib/formats/byte-text.ts';
import { errnoOf } from '../../file-errors.ts';
import type { AgentInput } from '../agent-api.ts';
import type { DaisClient } from './dais-client.ts';
import { LocalProblem } from './dais-connection.ts';

/** The command cannot start with these inputs. For its author. */
export class RefusedInputs extends Error {}

const CONCURRENCY = 4;
/** Of an input whose bytes differ from those that were submitted. */
const MOST_FETCHES = 3;
/** Errors that follow from the paths or from the number of inputs. */
const PATH_ERRORS: ReadonlySet<string | undefined> = new Set(['ENAMETOOLONG', 'ENOTDIR', 'EEXIST', 'EISDIR', 'EINVAL']);

export interface Inputs {
  readonly client: DaisClient;
  readonly work: string;
  readonly inputs: readonly AgentInput[];
  readonly diskBytes: number | undefined;
}

/**
 * Empties the working folder first: a killed agent may have left incomplete files.
 * @throws RefusedInputs; LocalProblem for a full disk and for bytes that differ; the errors of the client
 */
export async function stageInputs(
  { client, work, inputs, diskBytes = Infinity }: Inputs,
  signal: AbortSignal,
): Promise<void> {
  const total = inputs.reduce((sum, { size }) => sum + size, 0);
  if (total > diskBytes) {
    throw new RefusedInputs(
      `The inputs of the step are larger than its disk limit of ${byteText(diskBytes)}. Request more with ` +
        '`resources.disk` (`dais run --disk`), or use smaller inputs.',
    );
  }
  for (const name of await readdir(work)) await rm(join(work, name), { recursive: true, force: true });
  const waiting = inputs.entries();
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const fetchNext = async () => {
    // Each of the workers takes the next input of the one iterator.
    for (const [index, input] of waiting) await stageInput(client, join(work, input.path), { index, input }, either);
  };
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    await fetchNext().catch((error: unknown) => failed.abort(error));
  });
  await Promise.all(workers);
  either.throwIfAborted();
}

async function stageInput(
  client: DaisClient,
  path: string,
  { index, input }: { readonly index: number; readonly input: AgentInput },
  signal: AbortSignal,
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    for (let fetches = 1; ; fetches += 1) {
      let found = '';
      await client.input(index, async (bytes) => void (found = await writeFile(path, bytes, input.size)), signal);
      if (found === `${input.size} ${input.sha256}`) break;
      if (fetches < MOST_FETCHES) continue;
      throw new LocalProblem(
        `Input ${input.path} differs from what was submitted: it has ${found.split(' ')[0]} bytes.`,
      );
    }
    if (input.executable) await chmod(path, 0o700);
  } catch (error) {
    const errno = errnoOf(error instanceof LocalProblem ? error.cause : error);
    if (errno === undefined) throw error;
    if (PATH_ERRORS.has(errno))
      throw new RefusedInputs(`Input ${input.path} cannot be written (${errno}). Use another path.`);
    throw new LocalProblem(`Input ${input.path} could not be written (${errno}).`, { cause: error });
  }
}

/** Returns size and SHA-256 of what was written; it ends after the expected size. @throws LocalProblem when it cannot be written */
async function writeFile(path: string, bytes: AsyncIterable<Buffer>, expectedSize: number): Promise<string> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await local(open(path, 'w', 0o600));
  try {
    for await (const chunk of bytes) {
      hash.update(chunk);
      await local(file.writeFile(chunk));
      size += chunk.length;
      if (size > expectedSize) break;
    }
  } finally {
    await file.close();
  }
  return `${size} ${hash.digest('hex')}`;
}

/** Distinguishes an error of the file from one of the response. */
async function local<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new LocalProblem(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
