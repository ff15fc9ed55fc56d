/** The executions ledger: jobs and pipeline runs, from submission to results. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { GaugeSample, LedgerDefinition, ProcessWork } from '#ledgers/ledger.ts';
import { computeQuotaOf, writeComputeQuota } from './admission/quota-rows.ts';
import { computeList } from './admission/compute-use.ts';
import { executionEntries } from './runs/execution-entries.ts';
import { nameRunOwners } from './views/execution-rows.ts';
import { countQueued, readExecutionGauges } from './views/execution-gauges.ts';
import { executionGraph } from './views/execution-graph.ts';
import { executionLogs } from './views/execution-logs.ts';
import { LogRelay } from './views/remote-logs.ts';
import type { ExecutionDependencies } from './execution-dependencies.ts';
import { targetEntries } from './targets/target-entries.ts';
import { executionQueue } from './views/execution-queue.ts';
import { executionReads } from './views/execution-reads.ts';
import { executionStep } from './views/execution-step.ts';
import { executionsSlice } from './executions-slice.ts';
import { stepNodes } from './views/lineage-nodes.ts';
import type { PipelineCompilers } from './pipelines/compiler.ts';
import { startAutomatically } from './pipelines/automatic-start.ts';
import { pipelineEntries, runStart } from './pipelines/pipeline-entries.ts';
import { STEPS_FORMAT } from './pipelines/pipeline-rows.ts';
import { stepsCompiler } from './pipelines/steps-compiler.ts';
import { executionRetention, removeProjectRuns } from './runs/removal.ts';
import { RunMachines } from './runs/run-machine.ts';
import { pipelineSearch } from './search/pipeline-search.ts';
import { recurrenceEntries, recurrenceSearch } from './schedules/recurrence-entries.ts';
import { runSearch } from './search/run-search.ts';
import { endTrackedRuns } from './worker/tracked-runs.ts';
import { signedCallEntry } from './schedules/signed-call.ts';
import { Ticker } from './schedules/ticker.ts';
import { triggers } from './schedules/triggers.ts';
import { ExecutionWorker } from './worker/execution-worker.ts';

export type { ExecutionDependencies } from './execution-dependencies.ts';
export { stepNodes } from './views/lineage-nodes.ts';
export type { StepCalls, StepContext } from './worker/step-calls.ts';
export type { TrackedData, TrackedRuns, TrackedSource } from './worker/tracked-runs.ts';
export type {
  Artifact,
  Binding,
  Composed,
  Expression,
  Graph,
  GraphOutput,
  Json,
  ParameterType,
  Retry,
  Step,
  StepEnvironment,
  StepOutput,
  StepSecret,
  Task,
  Value,
  Values,
} from './machine/plan.ts';
export { ValueError } from './machine/values.ts';
export type { PipelineCompiler } from './pipelines/compiler.ts';
export type { ResolvedDialectStep, StepResults, StepAbout, StepDialect } from './worker/step-dialect.ts';
export { executionsSlice } from './executions-slice.ts';
export { ruledEnvironment, type ImageRule } from './pipelines/image-rules.ts';
export { LOCAL_TARGET } from './targets/step-targets.ts';
export { placeOfTarget, type ComputeTargets } from './targets/compute-targets.ts';
export { presentReport } from './targets/target-entries.ts';
export { readProbe, removeTarget, writeProbe, writeTarget, type ProbeRow } from './targets/target-rows.ts';
export type { PipelineCompilers } from './pipelines/compiler.ts';
export { authorizePipelineSpec, authorizeScheduleSpec } from './runs/network-permission.ts';
export { admitPipeline } from './pipelines/pipeline-rows.ts';
export { admitSchedule } from './schedules/schedule-rows.ts';
export { removeProjectRuns } from './runs/removal.ts';
export { datasetArtifact } from './worker/step-data.ts';
export { isFetched, type AddressedFile, type AddressIo } from './worker/step-files.ts';

/** Starts the newest version of a Pipeline without a user. Steps without isolation cannot be started this way. */
export type StartPipeline = (
  tx: Transaction,
  request: { readonly pipeline: string; readonly parameters: Readonly<Record<string, unknown>> },
) => Promise<string>;

export interface ExecutionsLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  readonly subscribers: readonly Subscriber[];
  readonly startPipeline: StartPipeline;
  readonly metrics: () => Promise<readonly GaugeSample[]>;
  /** Starts running steps, and in processes that run background work schedules and timers. */
  readonly start: (work: Pick<ProcessWork, 'controller' | 'steps'>) => Promise<void>;
  /** Counts the steps in the queue, at most 10,000. */
  readonly countQueued: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

export interface ExecutionsLedgerDependencies extends ExecutionDependencies {
  readonly days: number;
  /** Compilers of further pipeline formats, by format. */
  readonly compilers?: PipelineCompilers;
}

export function executionsLedger(dependencies: ExecutionsLedgerDependencies): ExecutionsLedger {
  const { tracked } = dependencies;
  const machines = new RunMachines(async (tx, { id }) => {
    if (tracked !== undefined) await endTrackedRuns(tx, tracked, id);
  });
  const compilers = new Map([[STEPS_FORMAT, stepsCompiler], ...(dependencies.compilers ?? [])]);
  const { solo, environments, data, limits } = dependencies;
  const starts = { machines, limits, compilers, solo, environments, ...(data !== undefined && { data }) };
  const worker = new ExecutionWorker(dependencies, machines);
  const relay = new LogRelay(dependencies);
  const ticker = new Ticker({ ...dependencies, machines, compilers });
  return {
    entries: [
      ...executionEntries(dependencies, machines),
      ...executionReads(dependencies),
      ...executionLogs(dependencies),
      ...executionGraph,
      ...executionStep(machines),
      ...executionQueue(dependencies),
      ...computeList(dependencies),
      ...targetEntries(dependencies),
      ...pipelineEntries(starts),
      ...recurrenceEntries(starts),
      signedCallEntry(dependencies),
      ...pipelineSearch,
      ...recurrenceSearch,
      ...runSearch(machines, dependencies),
      ...runStart(starts),
    ],
    jobs: [executionRetention(dependencies.days)],
    subscribers: [triggers],
    startPipeline: async (tx, request) => await startAutomatically(tx, starts, request),
    metrics: async () => await readExecutionGauges(dependencies.database),
    countQueued: async () => await countQueued(dependencies.database),
    start: async ({ controller, steps }) => {
      if (!controller && !steps) return;
      await Promise.all([worker.start({ controller, steps }), relay.start()]);
      if (controller) await ticker.start();
    },
    stop: async () => {
      await Promise.all([worker.stop(), ticker.stop(), relay.stop()]);
    },
  };
}

export const ledger: LedgerDefinition<ExecutionsLedgerDependencies, ExecutionsLedger> = {
  name: 'executions',
  slice: executionsSlice,
  project: {
    change: (tx, id, spec) => {
      if (spec !== undefined) writeComputeQuota(tx, id, computeQuotaOf(spec));
    },
    remove: removeProjectRuns,
  },
  nameOwners: nameRunOwners,
  lineageNodes: [stepNodes],
  open: executionsLedger,
};
