/** What it costs to list a run of very many nodes: the ledger alone, without HTTP, and with nothing that runs them. */
import { join } from 'node:path';
import type { Execution } from '@dais/api/executions';
import { openFsBlobStore } from '../../packages/server/src/engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase } from '../../packages/server/src/engines/database/testing.ts';
import { Content, CONTENT_DEFAULTS } from '../../packages/server/src/kernel/content/content.ts';
import { kernelSlice } from '../../packages/server/src/kernel/slice.ts';
import { findTenant } from '../../packages/server/src/kernel/tenants.ts';
import { workshopSlice } from '../../packages/server/src/kernel/testing/machine-controller.ts';
import { startTestKernel } from '../../packages/server/src/kernel/testing/test-kernel.ts';
import { freshProject, type Page } from '../../packages/server/src/kernel/testing/test-project.ts';
import { transact } from '../../packages/server/src/kernel/transaction.ts';
import { executionReads } from '../../packages/server/src/ledgers/executions/views/execution-reads.ts';
import { executionsSlice } from '../../packages/server/src/ledgers/executions/executions-slice.ts';
import { RunMachines } from '../../packages/server/src/ledgers/executions/runs/run-machine.ts';
import { submitRun } from '../../packages/server/src/ledgers/executions/runs/submit.ts';
import { STEP } from '../../packages/server/src/ledgers/executions/testing/plan-model.ts';
import { runTimers } from '../../packages/server/src/ledgers/executions/runs/timers.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import { uuidv7 } from '../../packages/server/src/lib/ids.ts';
import { ServerCpu } from '../lib/server-cpu.ts';

export interface ListingCosts {
  readonly nodes: number;
  /** Milliseconds of CPU of process and database: the run in a list of runs with how far it is, and its first page. */
  readonly run: number;
  /** All of its nodes, a thousand in a page. */
  readonly all: number;
}

export async function listingCosts(folder: string, items: number): Promise<ListingCosts> {
  const test = await startTestDatabase([kernelSlice, executionsSlice, workshopSlice]);
  const { database } = test;
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  const dais = await startTestKernel(test, { entries: executionReads({ database, content }), start: 'api' });
  try {
    const project = await freshProject(dais);
    const projectId = (await dais.write(async ({ sql }) => await findTenant(sql, project.name)))!.id;
    const id = uuidv7();
    const machines = new RunMachines();
    const each = { items: 'items', as: 'item', parallel: 0 };
    const inputs = { items: { value: Array.from({ length: items }, (_, n) => n) } };
    const task = { needs: [], after: 'succeeded', inputs, each, body: { step: STEP } } as const;
    await transact(database, { mode: 'write', projectId }, async (tx) => {
      const plan = { tasks: { many: task }, outputs: {} };
      await submitRun(
        tx,
        { machines, limits: { runningSteps: 1000, queuedSteps: 1_000_000 } },
        { id, name: 'many', plan, inputs: {}, priority: 0 },
      );
    });
    const call = async <Output>(name: string, input: object) => await dais.call<Output>(name, input, project.context);
    const count = async () =>
      Object.values((await call<Execution>('execution.get', { id })).nodes ?? {}).reduce((sum, n) => sum + n, 0);
    while ((await count()) <= items) await runTimers(database, machines);
    const cpu = new ServerCpu(test.connection);
    const run = async () => {
      await call('execution.list', { limit: 100 });
      await call('execution.get', { id });
      await call('execution.nodes', { id, limit: 100 });
    };
    const all = async () => {
      for (let cursor: string | undefined; ;) {
        const more = cursor === undefined ? {} : { cursor };
        const page = await call<Page<unknown>>('execution.nodes', { id, limit: 1000, ...more });
        cursor = page.nextCursor;
        if (cursor === undefined) return;
      }
    };
    await test.asAdmin('analyze');
    for (let n = 0; n < 10; n++) await run();
    await all();
    return { nodes: await count(), run: await cpu.measure(50, run), all: await cpu.measure(5, all) };
  } finally {
    await dais.stop();
    await blobs.close();
    await test.stop();
  }
}
