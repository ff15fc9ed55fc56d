/** Runs that the platform begins for a command, and ends with it: the command itself logs into them. */
import { DaisError, type DatasetInput } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { createExperiment, findExperimentOfName } from './experiments.ts';
import { DEFAULT_NAME, DEFAULT_NUMBER, experimentDeleted, shownNumber } from './experiment-lookup.ts';
import { addParams } from './params.ts';
import type { TrackingParts } from './parts.ts';
import { noteInputs } from './run-lineage.ts';
import { linkDatasets } from './run-links.ts';
import { activeRun } from './run-lookup.ts';
import { createRun, updateRun } from './runs.ts';

export interface StepRunFacts {
  /** By its name, which makes it when there is none; else by its number. */
  readonly experiment: { readonly name: string } | { readonly id: string };
  readonly name: string;
  readonly user: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** What it reads. */
  readonly datasets: readonly DatasetInput[];
}

export interface StepRuns {
  begin(tx: Transaction, facts: StepRunFacts): Promise<{ readonly run: string; readonly experiment: string }>;
  resume(tx: Transaction, run: string): Promise<void>;
  end(tx: Transaction, run: string, ended: keyof typeof STATUS_OF): Promise<void>;
}

/** How a run ends whose command ended so. */
const STATUS_OF = { succeeded: 'FINISHED', failed: 'FAILED', cancelled: 'KILLED' } as const;

export function stepRuns(parts: TrackingParts): StepRuns {
  const { clock, options } = parts;
  return {
    begin: async (tx, { experiment, name, user, parameters, tags, datasets }) => {
      const experimentId = 'id' in experiment ? experiment.id : await experimentNamed(tx, experiment.name, parts);
      const run = await createRun(tx, { experimentId, name, user, startedAt: clock.now(), tags }, parts);
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

/** The number of the experiment of this name. @throws DaisError `invalid_state` for one that is deleted. */
async function experimentNamed(tx: Transaction, name: string, parts: TrackingParts): Promise<string> {
  // It need not have been made yet.
  if (name === DEFAULT_NAME) return DEFAULT_NUMBER;
  let there = await findExperimentOfName(tx, name);
  if (there === undefined) {
    const made = await createExperiment(tx, { name }, parts.clock.now(), parts.options).catch((error: unknown) => {
      if (error instanceof DaisError && error.code === 'already_exists') return undefined;
      throw error;
    });
    if (made !== undefined) return made.id;
    // Somebody else made it at this moment.
    there = await findExperimentOfName(tx, name);
    if (there === undefined) throw new DaisError('conflict', `The experiment "${name}" was deleted for good just now.`);
  }
  if (there.deleted_at !== null) throw experimentDeleted(shownNumber(there));
  return shownNumber(there);
}

/** What somebody deleted does not keep its step from ending. */
async function unlessGone(change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'not_found' || error.code === 'invalid_state')) return;
    throw error;
  }
}
