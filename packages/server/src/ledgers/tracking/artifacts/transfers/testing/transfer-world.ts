/** For tests of transfers: a server with accounts, so that requests with a ticket have no other credential. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '#engines/blobs/contract.ts';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { OWNER_TOKEN, startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { Collector } from '#content/content-collector.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { transact } from '#kernel/transaction.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { systemClock } from '#lib/clock.ts';
import { projectWith } from '#kinds/project/index.ts';
import { artifactEntries, createProjectRecords, removeProjectRecords, trackingSlice } from '../../../index.ts';
import { transferRetention } from '../transfer-retention.ts';

export interface Upload {
  readonly id: string;
  readonly ticket: string;
  readonly url: string;
}

export interface Reported {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface TransferWorld {
  readonly http: HttpFixture;
  readonly blobs: BlobStore;
  /** Calls an artifact operation as the owner. `project`: default `default`. */
  call(method: string, path: string, body?: unknown, project?: string): Promise<Reported>;
  begin(path: string, parts: number, project?: string): Promise<Upload>;
  /** Calls with only a ticket. */
  part(upload: Upload, number: number | string, bytes: Buffer | string, ticket?: string): Promise<Response>;
  complete(upload: Upload, bytes: readonly (Buffer | string)[], project?: string): Promise<Reported>;
  read(path: string, project?: string): Promise<Response>;
  apply(document: object): Promise<void>;
  expire(table: 'artifact_upload' | 'artifact_link', id: string): Promise<void>;
  /** Deletes expired transfers, then unreferenced content. Returns the number of remaining blobs. */
  clean(): Promise<number>;
  stop(): Promise<void>;
}

export const etagOf = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

export async function startTransferWorld(): Promise<TransferWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-transfers-'));
  const blobs = await openFsBlobStore({ root: folder, clock: systemClock });
  const http = await startHttpFixture({
    accounts: {},
    kinds: [
      projectWith({
        begin: (tx, id) => createProjectRecords(tx, id, { now: () => systemClock.now(), folderRoot: undefined }),
        end: removeProjectRecords,
      }),
    ],
    slices: [commentsSlice, lineageSlice, trackingSlice],
    entries: ({ database }) => {
      const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
      return artifactEntries({ database, content, clock: systemClock, random: randomBytes });
    },
  });
  const authorization = `Bearer ${OWNER_TOKEN}`;
  const readResponse = async (response: Response): Promise<Reported> => {
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const send = async (method: string, path: string, body: unknown, project: string) =>
    await fetch(`${http.url}/p/${project}${path}`, {
      method,
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const world: TransferWorld = {
    http,
    blobs,
    call: async (method, path, body, project = 'default') =>
      await readResponse(await send(method, `/api/v1/tracking/${path}`, body, project)),
    begin: async (path, parts, project) => {
      const { status, body } = await world.call('POST', 'artifact-uploads', { path, parts }, project);
      if (status !== 201) throw new Error(JSON.stringify(body));
      return body as unknown as Upload;
    },
    part: async ({ url, ticket }, number, bytes, other = ticket) =>
      await fetch(`${http.url}${url}/${number}`, { method: 'PUT', headers: { 'dais-ticket': other }, body: bytes }),
    complete: async ({ id }, bytes, project) => {
      const parts = bytes.map((part, index) => ({ number: index + 1, etag: etagOf(part) }));
      return await world.call('POST', `artifact-uploads/${id}/complete`, { parts }, project);
    },
    read: async (path, project = 'default') =>
      await send('GET', `/api/v1/tracking/artifacts/content?path=${encodeURIComponent(path)}`, undefined, project),
    apply: async (document) => {
      const text = JSON.stringify({ apiVersion: 'dais.dev/v1', ...document });
      const answer = await send('POST', '/api/v1/apply', { sources: [{ file: 'x.json', text }] }, 'default');
      if (!answer.ok) throw new Error(await answer.text());
    },
    expire: async (table, id) =>
      void (await http.database.asAdmin(
        `update tracking.${table} set expires_at = now() - interval '1 second' where id = '${id}'`,
      )),
    clean: async () => {
      const { database } = http.database;
      const request = { mode: 'write', projectId: 'all' } as const;
      const io: JobIo = {
        signal: new AbortController().signal,
        progress: () => {},
        read: async (work) => await transact(database, { ...request, mode: 'read' }, work),
        write: async (work) => await transact(database, request, work),
      };
      await transferRetention().run({} as JobClaim, io);
      const more = { graceMs: -1000, sweepMs: -1000, claimMs: 2000 };
      await new Collector({ database, blobs, clock: systemClock, ...more }).collect(io.signal);
      let left = 0;
      for await (const _blob of blobs.list()) left += 1;
      return left;
    },
    stop: async () => {
      await http.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}
