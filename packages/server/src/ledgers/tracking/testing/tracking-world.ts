/** For tests: a kernel with the tracking ledger on its own database. */
import { randomBytes } from 'node:crypto';
import type { Experiment, Run } from '@dais/api/tracking';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { workshopSlice } from '#kernel/testing/machine-controller.ts';
import { startTestKernel, type TestKernel, type TestKernelOptions } from '#kernel/testing/test-kernel.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageEntries, lineageSlice } from '#ledgers/lineage/index.ts';
import { projectWith } from '#kinds/project/index.ts';
import { systemClock } from '#lib/clock.ts';
import {
  createProjectRecords,
  removeProjectRecords,
  loggedModelNodes,
  runNodes,
  trackingLedger,
  trackingSlice,
  type TraceConventions,
  type TrackingDependencies,
} from '../index.ts';

const TEST_TRACE_WORDS: TraceConventions = {
  idPrefix: 'tr-',
  nameTag: 'client.traceName',
  runKey: 'client.run',
  sessionKey: 'client.session',
  userKey: 'client.user',
  attributes: {
    type: ['client.type'],
    inputs: ['client.inputs'],
    outputs: ['client.outputs'],
    session: ['session.id'],
    user: ['user.id'],
    usage: ['client.usage'],
    cost: ['client.cost'],
    model: ['client.model'],
    provider: ['client.provider'],
  },
  tagPrefix: 'client.traceTag.',
  hiddenResource: ['telemetry.sdk.'],
  translate: (resource) => resource,
};

export const TEST_OPTIONS: TrackingDependencies['options'] = {
  artifactRoot: 'artifacts:',
  nameTag: 'client.runName',
  contextTag: 'client.context',
  originTags: {
    parent: 'client.parent',
    commit: 'client.commit',
    repository: 'client.repository',
    entryPoint: 'client.program',
  },
  traces: TEST_TRACE_WORDS,
};

export interface TrackingWorld {
  readonly test: TestDatabase;
  readonly dais: TestKernel;
  /** Options for another kernel on the same database. */
  readonly kernelOptions: TestKernelOptions;
  /** Creates an experiment and returns its id. */
  experiment(name?: string): Promise<string>;
  /** Creates a run, in a new experiment by default. */
  run(experimentId?: string): Promise<Run>;
  stop(): Promise<void>;
}

export async function startTrackingWorld(options: TestKernelOptions = {}): Promise<TrackingWorld> {
  const test = await startTestDatabase([kernelSlice, commentsSlice, lineageSlice, trackingSlice, workshopSlice]);
  const ledger = trackingLedger({ options: TEST_OPTIONS, clock: systemClock, random: randomBytes });
  const project = projectWith({
    begin: (tx, id) => createProjectRecords(tx, id, { now: () => systemClock.now(), folderRoot: undefined }),
    end: removeProjectRecords,
  });
  const kernelOptions = {
    kinds: [project],
    entries: [...ledger.entries, ...lineageEntries([runNodes, loggedModelNodes])],
    jobs: ledger.jobs,
    ...options,
  };
  const dais = await startTestKernel(test, kernelOptions);
  let made = 0;
  const experiment = async (name?: string) => {
    made += 1;
    return (await dais.call<Experiment>('experiment.create', { name: name ?? `experiment ${made}` })).id;
  };
  return {
    test,
    dais,
    kernelOptions,
    experiment,
    run: async (experimentId) =>
      await dais.call<Run>('run.create', { experimentId: experimentId ?? (await experiment()), startedAt: 1000 }),
    stop: async () => {
      await dais.stop();
      await test.stop();
    },
  };
}
