/** The executions ledger: runs of commands and pipelines, from what is asked for to what came of it. */
import type { OperationEntry } from '#kernel/dispatch.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { executionEntries } from './execution-entries.ts';
import { executionLogs } from './execution-logs.ts';
import type { ExecutionParts } from './execution-parts.ts';
import { executionReads } from './execution-reads.ts';
import { executionRetention } from './remove.ts';
import { RunMachines } from './run-machine.ts';
import { ExecutionWorker } from './worker/execution-worker.ts';

export type { ExecutionParts } from './execution-parts.ts';
export type { StepCalls, StepTold } from './step-calls.ts';
export { executionsSlice } from './executions-slice.ts';
export { endProjectRuns } from './remove.ts';

export interface ExecutionsLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** Runs steps, where this process is to do that. */
  readonly worker: Pick<ExecutionWorker, 'start' | 'stop'>;
}

export function executionsLedger(parts: ExecutionParts & { readonly days: number }): ExecutionsLedger {
  const machines = new RunMachines();
  return {
    entries: [...executionEntries(parts, machines), ...executionReads(parts), ...executionLogs(parts)],
    jobs: [executionRetention(parts.days)],
    worker: new ExecutionWorker(parts, machines),
  };
}
