/** For tests: starts, fills and completes uploads until it is killed, and prints each action before and after it. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { openDatabase } from '#engines/database/database.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import type { CallContext } from '#kernel/context.ts';
import type { Call } from '#kernel/entry.ts';
import { SYSTEM } from '#kernel/principal.ts';
import { systemClock } from '#lib/clock.ts';
import type { ArtifactDependencies } from '../../artifact-dependencies.ts';
import { completeUpload } from '../complete-upload.ts';
import { startUpload, uploadPart } from '../uploads.ts';

export interface WorkerSetup {
  readonly connection: ConnectionOptions;
  readonly root: string;
  readonly project: string;
  readonly applicationName: string;
}

/** Progress of one upload; the texts of its parts are derived from its path. */
export interface WorkerLine {
  readonly at: 'begun' | 'part' | 'ending' | 'ended';
  readonly id: string;
  readonly ticket: string;
  readonly path: string;
  readonly parts: number;
  /** Number of the part. */
  readonly number?: number;
}

/** Texts of different lengths, unique for each part. */
export function textOf(path: string, number: number): string {
  return `${path} ${number} `.repeat(1 + number * 700);
}

export function callOf<Input>(project: string, input: Input, content?: string): Call<Input> {
  const context: CallContext = {
    principal: SYSTEM,
    requestId: 'worker',
    origin: 'manifest',
    projects: [],
    signal: new AbortController().signal,
    ...(content !== undefined && { content: Readable.from([content]) }),
  };
  return { input, context, tenant: { id: project, name: 'worker' }, authorize: async () => {} };
}

export async function openDependencies(
  setup: Omit<WorkerSetup, 'project'>,
): Promise<ArtifactDependencies & { end(): Promise<void> }> {
  const database = openDatabase(setup.connection, { poolSize: 8, applicationName: setup.applicationName });
  const blobs = await openFsBlobStore({ root: setup.root, clock: systemClock });
  const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  // The claim of a killed process expires soon.
  const dependencies = { database, content, clock: systemClock, random: randomBytes, claimMs: 400 };
  return { ...dependencies, end: async () => await database.close() };
}

/** Runs until it is killed. */
export async function transferUntilKilled(setup: WorkerSetup): Promise<never> {
  const dependencies = await openDependencies(setup);
  const say = (line: WorkerLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const { project } = setup;
  const lane = async (name: string): Promise<never> => {
    for (let turn = 0; ; turn += 1) {
      // Half of them in the place of the one before.
      const path = `${name}/${turn % 2 === 0 ? 'same' : turn}`;
      const count = 1 + (turn % 4);
      const begun = (await startUpload(dependencies, callOf(project, { path, parts: count }))) as {
        readonly id: string;
        readonly ticket: string;
      };
      const line = { id: begun.id, ticket: begun.ticket, path, parts: count };
      say({ at: 'begun', ...line });
      const reported: { number: number; etag: string }[] = [];
      for (let number = 1; number <= count; number += 1) {
        const input = { id: begun.id, ticket: begun.ticket, number: String(number) };
        const { etag } = (await uploadPart(dependencies, callOf(project, input, textOf(begun.id, number)))) as {
          etag: string;
        };
        reported.push({ number, etag });
        say({ at: 'part', ...line, number });
      }
      say({ at: 'ending', ...line });
      await completeUpload(dependencies, callOf(project, { id: begun.id, parts: reported }));
      say({ at: 'ended', ...line });
    }
  };
  return await Promise.race(['a', 'b', 'c'].map(lane));
}
