/** For tests: a kernel with the executions ledger, which runs real commands, on its own database. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type {
  Execution,
  ExecutionAttempt,
  ExecutionLog,
  ExecutionNode,
  SubmitExecutionInput,
} from '@dais/api/executions';
import { expect } from 'vitest';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import type { Compute } from '#engines/compute/contract.ts';
import { openProcessCompute } from '#engines/compute/process/process-compute.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { pipeline } from '#kinds/pipeline/index.ts';
import { projectWith, type ProjectRecords } from '#kinds/project/index.ts';
import { schedule } from '#kinds/schedule/index.ts';
import { target } from '#kinds/target/index.ts';
import { findSecretValue, openSecretValue, secret } from '#kinds/secret/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import type { ProcessWork } from '#ledgers/ledger.ts';
import { ledger as usageLedger, readRecentSteps, recordUsage } from '#ledgers/usage/index.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import {
  removeProjectRuns,
  executionsLedger,
  executionsSlice,
  type ExecutionDependencies,
  type ExecutionsLedgerDependencies,
} from '../index.ts';
import { computeQuotaOf, writeComputeQuota } from '../admission/quota-rows.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
}

export interface ExecutionsWorld {
  readonly db: TestDatabase;
  readonly dais: TestKernel;
  /** Folder of `blobs` and `compute`. */
  readonly folder: string;
  /** Starts another worker on the same database, by default with the engine of this machine. `role`: default is everything. */
  worker(
    dependencies?: Partial<ExecutionDependencies>,
    role?: Partial<Pick<ProcessWork, 'controller' | 'steps'>>,
  ): Promise<{ stop(): Promise<void> }>;
  /** Stops the workers that still run, so that the failure of one test does not cause others. */
  stopWorkers(): Promise<void>;
  submit(input: SubmitExecutionInput): Promise<Execution>;
  /** Submits a run and waits for its end. */
  ended(run: Pick<Execution, 'id'>): Promise<Execution>;
  run(input: SubmitExecutionInput): Promise<Execution>;
  node(run: Pick<Execution, 'id'>, path: string): Promise<ExecutionNode>;
  attempts(run: Pick<Execution, 'id'>, node?: string): Promise<readonly ExecutionAttempt[]>;
  log(run: Pick<Execution, 'id'>, node?: string): Promise<string>;
  upload(text: string): Promise<string>;
  /** The engine of this machine. */
  readonly compute: Compute;
  /** Attempts that the engine still has. */
  kept(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const keepQuota: NonNullable<ProjectRecords['change']> = (tx, id, spec) => {
  if (spec !== undefined) writeComputeQuota(tx, id, computeQuotaOf(spec));
  usageLedger.project?.change?.(tx, id, spec);
};

/** Environments are tested with their engine. */
const noEnvironments = () => Promise.reject(new Error('no test here needs an environment'));

/** `more`: other options of the ledger. */
export async function startExecutionsWorld(more: Partial<ExecutionsLedgerDependencies> = {}): Promise<ExecutionsWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-executions-'));
  const keys = openEnvKeys(Buffer.alloc(32, 7).toString('base64'));
  const secrets = secret(keys);
  const slices = [
    kernelSlice,
    lineageSlice,
    executionsSlice,
    usageLedger.slice,
    ...(secrets.kind.slice === undefined ? [] : [secrets.kind.slice]),
  ];
  const db = await startTestDatabase(slices);
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  const content = new Content({ database: db.database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  const compute = await openProcessCompute({ root: join(folder, 'compute'), clock: systemClock, log: silentLog });
  const dependencies: ExecutionDependencies = {
    database: db.database,
    content,
    clock: systemClock,
    log: silentLog,
    holder: randomUUID(),
    place: () => 'this machine',
    compute: async () => await Promise.resolve(compute),
    environments: noEnvironments,
    secretValue: async (tx, ref) => {
      const found = await findSecretValue(tx, tx.projectId, ref);
      return found === undefined ? undefined : async () => await openSecretValue(keys, found);
    },
    solo: true,
    concurrency: 8,
    limits: { runningSteps: 8, queuedSteps: 100_000 },
    stepDefaults: { cpu: 1, memory: 2 ** 30, disk: 10 * 2 ** 30 },
    capacity: async () => await Promise.resolve({ cpu: 64, memory: 2 ** 40 }),
    nodeName: 'this machine',
    usage: recordUsage,
    recentSteps: readRecentSteps,
  };
  const { database, clock, log } = dependencies;
  const usage = usageLedger.open({
    database,
    clock,
    log,
    host: 'this machine',
    node: async () => await Promise.resolve(undefined),
    figures: () => undefined,
    query: () => Promise.reject(new Error('no test here exports usage')),
    folder,
    storedBytes: async (id) => await content.usage(id),
    days: 400,
  });
  const ledger = executionsLedger({ ...dependencies, days: 0, ...more });
  const dais = await startTestKernel(db, {
    kinds: [
      projectWith({ begin: () => {}, change: keepQuota, end: removeProjectRuns }),
      secrets.kind,
      pipeline,
      schedule,
      target({ clock: systemClock }),
    ],
    entries: [...ledger.entries, ...(usage.entries ?? [])],
    start: 'api',
  });
  const workers: { stop(): Promise<void> }[] = [];
  const worker: ExecutionsWorld['worker'] = async (own = {}, role = {}) => {
    const made = executionsLedger({ ...dependencies, days: 0, ...more, holder: randomUUID(), ...own });
    await made.start({ controller: true, steps: true, ...role });
    workers.push(made);
    return made;
  };
  const stopWorkers = async () => void (await Promise.all(workers.splice(0).map(async (one) => await one.stop())));
  const get = async ({ id }: Pick<Execution, 'id'>) => await dais.call<Execution>('execution.get', { id });
  const submit: ExecutionsWorld['submit'] = async (input) => await dais.call<Execution>('execution.submit', input);
  const ended: ExecutionsWorld['ended'] = async (run) => {
    const poll = { timeout: 60_000, interval: 30 };
    await expect.poll(async () => (await get(run)).endedAt !== undefined, poll).toBe(true);
    return await get(run);
  };
  return {
    db,
    dais,
    folder,
    compute,
    worker,
    stopWorkers,
    submit,
    ended,
    run: async (input) => await ended(await submit(input)),
    node: async ({ id }, path) => {
      const { items } = await dais.call<Page<ExecutionNode>>('execution.nodes', { id, limit: 1000 });
      const node = items.find((one) => one.path === path);
      if (node === undefined) throw new Error(`no node ${path}`);
      return node;
    },
    attempts: async ({ id }, node) =>
      (await dais.call<Page<ExecutionAttempt>>('execution.attempts', { id, ...(node !== undefined && { node }) }))
        .items,
    log: async ({ id }, node) => {
      let text = '';
      const of = { id, ...(node !== undefined && { node }) };
      for (let cursor: string | undefined; ;) {
        const next = await dais.call<ExecutionLog>('execution.logs', { ...of, ...(cursor && { cursor }) });
        text += next.text;
        if (next.ended || next.cursor === cursor) return text;
        ({ cursor } = next);
      }
    },
    upload: async (text) =>
      (await dais.call<{ upload: string }>('execution.upload', {}, { content: Readable.from([text]) })).upload,
    kept: async () => {
      const kept: string[] = [];
      for await (const attempt of compute.attempts()) kept.push(attempt);
      return kept;
    },
    stop: async () => {
      await stopWorkers();
      await dais.stop();
      for await (const attempt of compute.attempts()) await compute.forget(attempt);
      await compute.close();
      await db.stop();
      await blobs.close();
      await keys.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
}
