/** Unpacks the environment of a task into its folder, before the command starts. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';
import { unpackTar } from 'modern-tar/fs';
import { byteText } from '#lib/formats/byte-text.ts';
import { errnoOf } from '../../file-errors.ts';
import type { AgentEnvironment } from '../agent-api.ts';
import type { DaisClient } from './dais-client.ts';
import { LocalProblem } from './dais-connection.ts';

const MOST_FETCHES = 3;
/** Files that are written at the same time: their buffers count towards the memory limit of the agent. */
const CONCURRENCY = 4;
/** Tar adds headers to the files, and blocks of small files count as 4 KiB. */
const RESERVE_BYTES = 64 * 2 ** 20;

/**
 * Empties the folder first: a killed agent or an interrupted transfer may have left incomplete files.
 * @throws LocalProblem for a full disk and for bytes that differ; the errors of the client
 */
export async function stageEnvironment(
  client: DaisClient,
  environment: AgentEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const { folder, input, size, sha256, links } = environment;
  for (let fetches = 1; ; fetches += 1) {
    let found = '';
    const read = async (bytes: AsyncIterable<Buffer>) => {
      await onDisk(environment, empty(folder));
      found = await unpack(bytes, environment);
    };
    await client.input(input, read, signal);
    if (found === `${size} ${sha256}`) break;
    if (fetches === MOST_FETCHES) {
      throw new LocalProblem(`The environment differs from what Dais stored: it has ${found.split(' ')[0]} bytes.`);
    }
  }
  await onDisk(environment, addLinks(folder, links));
}

async function empty(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

async function addLinks(folder: string, links: AgentEnvironment['links']): Promise<void> {
  for (const { path, to } of links) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await symlink(to, join(folder, path));
  }
}

async function onDisk(environment: AgentEnvironment, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw diskProblem(environment, error) ?? error;
  }
}

/** Undefined for an error of something else than a file. */
function diskProblem({ unpackedBytes }: AgentEnvironment, error: unknown): LocalProblem | undefined {
  const errno = errnoOf(error);
  if (errno === undefined) return undefined;
  const size = byteText(unpackedBytes);
  return new LocalProblem(`The environment of ${size} could not be written to the disk of the node (${errno}).`, {
    cause: error,
  });
}

/** Returns size and SHA-256 of the archive. @throws LocalProblem when it cannot be written */
async function unpack(bytes: AsyncIterable<Buffer>, environment: AgentEnvironment): Promise<string> {
  const { folder, unpackedBytes } = environment;
  const hash = createHash('sha256');
  let size = 0;
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      size += chunk.length;
      done(null, chunk);
    },
  });
  let unpacked = 0;
  const limit = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      unpacked += chunk.length;
      const isTooLarge = unpacked > unpackedBytes + RESERVE_BYTES;
      done(isTooLarge ? new Error('The archive is larger than announced.') : null, chunk);
    },
  });
  let isInterrupted = false;
  const received = async function* () {
    try {
      yield* bytes;
    } catch (error) {
      isInterrupted = true;
      throw error;
    }
  };
  try {
    await pipeline(received, count, createZstdDecompress(), limit, unpackTar(folder, { concurrency: CONCURRENCY }));
  } catch (error) {
    // The caller repeats the transfer.
    if (isInterrupted) throw error;
    const problem = diskProblem(environment, error);
    if (problem !== undefined) throw problem;
    // All bytes arrived, so a repetition would fail as well.
    if (size < environment.size) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LocalProblem(`The environment cannot be unpacked: ${reason}`, { cause: error });
  }
  return `${size} ${hash.digest('hex')}`;
}
