/** Tracked runs that the platform starts and ends with a step. The command of the step logs to them. */
import { DaisError } from '@dais/api';
import type { DatasetInput } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { createExperiment, findExperimentOfName } from '../experiments/experiments.ts';
import { DEFAULT_NAME, DEFAULT_NUMBER, experimentDeleted, publicId } from '../experiments/experiment-lookup.ts';
import { addParams } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { noteInputs } from './run-lineage.ts';
import { linkDatasets } from './run-links.ts';
import { activeRun } from './run-lookup.ts';
import { createRun, updateRun } from './runs.ts';

export interface StepRunFacts {
  /** The experiment, by name, which is created if missing, or by id. */
  readonly experiment: { readonly name: string } | { readonly id: string };
  readonly name: string;
  readonly user: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Its input data. */
  readonly datasets: readonly DatasetInput[];
}

export interface StepRuns {
  begin(tx: Transaction, facts: StepRunFacts): Promise<{ readonly run: string; readonly experiment: string }>;
  resume(tx: Transaction, run: string): Promise<void>;
  end(tx: Transaction, run: string, ended: keyof typeof STATUS_OF): Promise<void>;
}

/** Final run status by the final state of the step. */
const STATUS_OF = { succeeded: 'FINISHED', failed: 'FAILED', canceled: 'KILLED' } as const;

export function stepRuns(dependencies: TrackingDependencies): StepRuns {
  const { clock, options } = dependencies;
  return {
    begin: async (tx, { experiment, name, user, parameters, tags, datasets }) => {
      const experimentId =
        'id' in experiment ? experiment.id : await experimentNamed(tx, experiment.name, dependencies);
      const run = await createRun(tx, { experimentId, name, user, startedAt: clock.now(), tags }, dependencies);
      const pairs = Object.entries(parameters).map(([key, value]) => ({ key, value }));
      if (pairs.length > 0) await addParams(tx, 'param', (await activeRun(tx, run.id)).num, pairs);
      if (datasets.length > 0) {
        await linkDatasets(tx, await activeRun(tx, run.id), datasets, options.contextTag);
        await noteInputs(tx, { id: run.id, datasets }, clock.now());
      }
      return { run: run.id, experiment: experimentId };
    },
    resume: async (tx, id) => await unlessGone(updateRun(tx, { id, status: 'RUNNING' }, options)),
    end: async (tx, id, ended) =>
      await unlessGone(updateRun(tx, { id, status: STATUS_OF[ended], endedAt: clock.now() }, options)),
  };
}

/** Returns the id of the experiment with this name. @throws DaisError `invalid_state` for a deleted one. */
async function experimentNamed(tx: Transaction, name: string, dependencies: TrackingDependencies): Promise<string> {
  // The default experiment may not have been created yet.
  if (name === DEFAULT_NAME) return DEFAULT_NUMBER;
  let there = await findExperimentOfName(tx, name);
  if (there === undefined) {
    const made = await createExperiment(tx, { name }, dependencies.clock.now(), dependencies.options).catch(
      (error: unknown) => {
        if (error instanceof DaisError && error.code === 'already_exists') return undefined;
        throw error;
      },
    );
    if (made !== undefined) return made.id;
    // Another transaction created it concurrently.
    there = await findExperimentOfName(tx, name);
    if (there === undefined)
      throw new DaisError('conflict', `Experiment "${name}" was permanently deleted while the run was started. Retry.`);
  }
  if (there.deleted_at !== null) throw experimentDeleted(publicId(there));
  return publicId(there);
}

/** Ignores errors of deleted runs, so that the step can end. */
async function unlessGone(change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'not_found' || error.code === 'invalid_state')) return;
    throw error;
  }
}
