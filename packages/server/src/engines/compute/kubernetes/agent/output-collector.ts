/** Sends the outputs of the command to Dais: each file once, also when it has several names or the agent was restarted. */
import { createHash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { OutputFile } from '../../contract.ts';
import { errnoOf } from '../../file-errors.ts';
import { outputFiles } from '../../task-outputs.ts';
import type { AgentOrder, AgentOutput } from '../agent-api.ts';
import { RejectedCall } from './call-errors.ts';
import type { DaisClient } from './dais-client.ts';
import { LocalProblem } from './dais-connection.ts';
import type { Journal } from './journal.ts';

export interface Collection {
  readonly client: DaisClient;
  readonly journal: Journal;
  readonly work: string;
  readonly outputs: AgentOrder['outputs'];
  /** Dais does not have what it received before. */
  readonly repeatsAll?: boolean;
}

export interface CollectedOutputs {
  readonly outputs: readonly AgentOutput[];
  /** Why they are not complete, for the author of the command. */
  readonly problem?: string;
}

const CONCURRENCY = 4;
/** The largest list of outputs that Dais accepts, as JSON, with room for the rest of the message. */
const MAX_LIST_BYTES = 15 << 20;
/** Numbers, digest and names of the fields of an entry; quotes and escapes of a name are in addition. */
const ENTRY_BYTES = 250;

/** @throws the errors of the client */
export async function collectOutputs(collection: Collection, signal: AbortSignal): Promise<CollectedOutputs> {
  const { journal, work, outputs, repeatsAll = false } = collection;
  const sent = new Map((repeatsAll ? [] : journal.sentOutputs()).map((output) => [nameOf(output), output]));
  /** By the identity of the file. */
  const files = new Map<string, Promise<AgentOutput>>();
  const collected: Promise<AgentOutput>[] = [];
  const active = new Set<Promise<AgentOutput>>();
  let listBytes = 0;
  let hasFailed = false;
  const track = async (entry: Promise<AgentOutput>) => {
    active.add(entry);
    try {
      await entry;
    } catch {
      // `Promise.all` reports it.
      hasFailed = true;
    }
    active.delete(entry);
  };
  try {
    for await (const file of outputFiles(work, outputs)) {
      const first = files.get(file.identity);
      const entry =
        first === undefined ? store(collection, file, { key: files.size, sent, signal }) : another(first, file);
      collected.push(entry);
      if (first === undefined) files.set(file.identity, entry);
      void track(entry);
      listBytes += ENTRY_BYTES + 2 * Buffer.byteLength(file.output + file.path);
      if (listBytes > MAX_LIST_BYTES) throw new TooManyFiles(tooMany(collected.length));
      if (active.size >= CONCURRENCY) await Promise.race(active).catch(() => {});
      if (hasFailed) break;
    }
    return { outputs: await Promise.all(collected) };
  } catch (error) {
    await Promise.allSettled(collected);
    const problem = problemOf(error);
    if (problem === undefined) throw error;
    return { outputs: [], problem };
  }
}

class TooManyFiles extends Error {}

interface Upload {
  readonly key: number;
  readonly sent: ReadonlyMap<string, AgentOutput>;
  readonly signal: AbortSignal;
}

async function store(
  { client, journal }: Collection,
  file: OutputFile,
  { key, sent, signal }: Upload,
): Promise<AgentOutput> {
  const { output, path, size, identity, executable } = file;
  const before = sent.get(nameOf(file));
  if (before?.identity === identity && before.size === size && before.key === key) return before;
  let sha256 = '';
  const open = async () => hashed(await file.open(), (digest) => (sha256 = digest));
  await client.output(key, size, open, signal);
  const entry = { output, path, size, sha256, identity, executable, key };
  journal.addSentOutput(entry);
  return entry;
}

async function another(first: Promise<AgentOutput>, { output, path, executable }: OutputFile): Promise<AgentOutput> {
  return { ...(await first), output, path, executable };
}

/** Passes the bytes through, and reports their SHA-256 at the end. */
function hashed(source: Readable, report: (digest: string) => void): Readable {
  const hash = createHash('sha256');
  const transform = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
    flush: (done) => {
      report(hash.digest('hex'));
      done();
    },
  });
  source.on('error', (error) => transform.destroy(error));
  transform.on('close', () => source.destroy());
  return source.pipe(transform);
}

/** Undefined for an error that the files of the command did not cause. */
function problemOf(error: unknown): string | undefined {
  if (error instanceof DaisError || error instanceof TooManyFiles || error instanceof RejectedCall)
    return error.message;
  const cause = error instanceof LocalProblem ? error.cause : error;
  const errno = errnoOf(cause);
  return errno === undefined
    ? undefined
    : `An output of the step cannot be read (${errno}): check the permissions of its files.`;
}

function tooMany(files: number): string {
  return (
    `The step wrote more than ${files.toLocaleString('en-US')} output files, whose list is larger than ` +
    `${MAX_LIST_BYTES >> 20} MiB. Pack them into an archive.`
  );
}

function nameOf({ output, path }: Pick<AgentOutput, 'output' | 'path'>): string {
  return `${output}\0${path}`;
}
