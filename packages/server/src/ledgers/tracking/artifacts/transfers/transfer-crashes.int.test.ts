import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProblems, garbage, openContentWorld, type ContentWorld } from '#kernel/content/content.testing.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { transact } from '#kernel/transaction.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { linesUntilKilled } from '#lib/system/killed-worker.testing.ts';
import { isLongRun } from '#testing/long-run.ts';
import { trackingSlice } from '../../index.ts';
import { artifactsOf } from '../artifact-tree.ts';
import { completeUpload } from './complete-upload.ts';
import { etagOf } from './testing/transfer-world.ts';
import { callOf, openDependencies, textOf, type WorkerLine, type WorkerSetup } from './testing/transfer-worker.ts';
import { transferRetention } from './transfer-retention.ts';
import { uploadPart } from './uploads.ts';

/** Six in `npm run test:full`. */
const ROUNDS = isLongRun ? 6 : 2;
const APPLICATION = 'dais-transfer-worker';

let world: ContentWorld;
let project: string;
let parts: Awaited<ReturnType<typeof openDependencies>>;
beforeAll(async () => {
  world = await openContentWorld([commentsSlice, lineageSlice, trackingSlice]);
  project = await world.project();
  parts = await openDependencies({ connection: world.db.connection, root: world.root, applicationName: 'dais-test' });
});
afterAll(async () => {
  await parts.end();
  await world.end();
});

const wholeOf = ({ id, parts: count }: WorkerLine) =>
  Array.from({ length: count }, (_, index) => textOf(id, index + 1)).join('');
const etagsOf = ({ id, parts: count }: WorkerLine) =>
  Array.from({ length: count }, (_, index) => ({ number: index + 1, etag: etagOf(textOf(id, index + 1)) }));

test('a process killed at any time loses no acknowledged part or completion, and leaves no permanent data', async () => {
  const setup: WorkerSetup = {
    connection: world.db.connection,
    root: world.root,
    project,
    applicationName: APPLICATION,
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const lines = await runAndKill(setup, 5 + Math.floor(Math.random() * 60));
    await expect.poll(async () => await connections()).toBe(0);
    expect(await findProblems(world)).toEqual([]);
    const uploads = new Map(lines.map((line) => [line.id, lines.filter(({ id }) => id === line.id)]));
    // Paths of this round, and what may be there: the last that was ended, or the one whose end was cut.
    const ended = new Map<string, WorkerLine>();
    for (const line of lines) if (line.at === 'ended') ended.set(line.path, line);
    for (const output of uploads.values()) {
      const first = output[0]!;
      const isOver = output.some(({ at }) => at === 'ended');
      const ending = output.some(({ at }) => at === 'ending');
      if (isOver || (!ending && Math.random() < 0.3)) continue;
      // Acts as its client: acknowledged parts exist, the others are sent, and the upload is completed, possibly again.
      const came = new Set(output.flatMap(({ at, number }) => (at === 'part' ? [number] : [])));
      for (let number = 1; number <= first.parts; number += 1) {
        if (came.has(number)) continue;
        const input = { id: first.id, ticket: first.ticket, number: String(number) };
        await uploadPart(parts, callOf(project, input, textOf(first.id, number)));
      }
      const whole = wholeOf(first);
      const answer = await completeUpload(parts, callOf(project, { id: first.id, parts: etagsOf(first) }));
      expect(answer).toEqual({ path: first.path, size: whole.length, sha256: etagOf(whole) });
      ended.set(first.path, first);
    }
    for (const [path, line] of ended) {
      expect(await world.textOf(artifactsOf(project), path), `round ${round}, ${path}`).toBe(wholeOf(line));
    }
    await world.db.asAdmin(`update tracking.artifact_upload set expires_at = now() - interval '1 second'`);
    await clean();
    expect(await world.db.asAdmin('select 1 from tracking.artifact_upload')).toEqual([]);
  }
  expect(await findProblems(world)).toEqual([]);
  expect(await garbage(world)).toEqual([]);
  expect(await leftovers()).toEqual([]);
});

/** Content of a project that is neither an artifact nor anything else's. */
async function leftovers(): Promise<unknown[]> {
  return await world.db.asAdmin(`select owner, name from kernel.blob_ref where owner <> project_id`);
}

async function clean(): Promise<void> {
  const request = { mode: 'write', projectId: 'all' } as const;
  const io: JobIo = {
    signal: new AbortController().signal,
    progress: () => {},
    read: async (work) => await transact(world.db.database, { ...request, mode: 'read' }, work),
    write: async (work) => await transact(world.db.database, request, work),
  };
  await transferRetention().run({} as JobClaim, io);
}

async function connections(): Promise<number> {
  const rows = await world.db.asAdmin(
    `select count(*)::int as n from pg_stat_activity where application_name = '${APPLICATION}'`,
  );
  return Number(rows[0]!['n']);
}

async function runAndKill(setup: WorkerSetup, killAfter: number): Promise<WorkerLine[]> {
  const module = new URL('testing/transfer-worker.ts', import.meta.url);
  return await linesUntilKilled<WorkerLine>({ module, name: 'transferUntilKilled', setup, killAfter });
}
