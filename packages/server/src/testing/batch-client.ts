/** A client of batch predictions over HTTP. */
import { createHash } from 'node:crypto';
import type { Ingest } from '@dais/api/data';
import type { ModelJob } from '@dais/api/serving';
import { vi } from 'vitest';

/** A call below `/api/v1`; throws when it is refused. */
export type BatchCall = <Output>(method: string, path: string, body?: object | Buffer) => Promise<Output>;

export interface BatchClient {
  /** Creates a version of a CSV dataset; returns its number. */
  push(dataset: string, csv: string): Promise<number>;
  start(input: object): Promise<ModelJob>;
  get(id: string): Promise<ModelJob>;
  /** The job once it has ended. */
  ended(id: string): Promise<ModelJob>;
  query(sql: string): Promise<readonly (readonly unknown[])[]>;
}

/** A time limit that includes building environments on a busy machine. */
const PATIENCE = { timeout: 900_000, interval: 100 };

/** @throws Error with the error of a job that did not succeed. */
export function succeeded(job: ModelJob): ModelJob {
  if (job.state !== 'succeeded') throw new Error(`the job ${job.id} is ${job.state}: ${job.error ?? ''}`);
  return job;
}

export function batchClient(call: BatchCall): BatchClient {
  const get = async (id: string) => await call<ModelJob>('GET', `/model-jobs/${id}`);
  return {
    push: async (dataset, csv) => {
      const bytes = Buffer.from(csv);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const pushes = `/data/datasets/${dataset}/pushes`;
      const files = [{ name: 'a.csv', bytes: bytes.length, sha256 }];
      const { id } = await call<Ingest>('POST', pushes, { files });
      await call('PUT', `${pushes}/${id}/files?file=a.csv`, bytes);
      await call('POST', `${pushes}/${id}/commit`, {});
      const read = async () => await call<Ingest>('GET', `/data/datasets/${dataset}/ingests/${id}`);
      const done = await vi.waitUntil(async () => {
        const ingest = await read();
        return ingest.endedAt === undefined ? undefined : ingest;
      }, PATIENCE);
      if (done.version === undefined) throw new Error(JSON.stringify(done));
      return done.version;
    },
    start: async (input) => await call<ModelJob>('POST', '/model-jobs/batch-predictions', input),
    get,
    ended: async (id) =>
      await vi.waitUntil(async () => {
        const job = await get(id).catch(() => undefined);
        return job?.endedAt === undefined ? undefined : job;
      }, PATIENCE),
    query: async (sql) => (await call<{ rows: unknown[][] }>('POST', '/data/query', { sql })).rows,
  };
}
