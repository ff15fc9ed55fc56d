/** Dataset versions of a step: materializes its inputs, and creates versions from its outputs. */
import { DaisError, type Actor } from '@dais/api';
import type { TaskInput } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { Step } from '../machine/plan.ts';
import { ValueError } from '../machine/values.ts';
import type { OutputContent, StepData } from './step-data.ts';
import { prefixOf, type Uploaded } from './step-files.ts';
import type { PlacedArtifact } from './step-spec.ts';

interface DataWays {
  readonly data: StepData | undefined;
  readonly projectId: string;
  readonly signal: AbortSignal;
}

/** Runs `work` with the files of all dataset inputs, which exist until `work` has ended. @throws ValueError */
export async function withData(
  { data, projectId, signal }: DataWays,
  placed: readonly PlacedArtifact[],
  work: (inputs: readonly TaskInput[]) => Promise<void>,
): Promise<void> {
  const wanted = placed.flatMap(({ artifact: { dataset }, path }) =>
    dataset === undefined ? [] : [{ dataset, path }],
  );
  const next = async (at: number, inputs: readonly TaskInput[]): Promise<void> => {
    const one = wanted[at];
    if (one === undefined) return await work(inputs);
    if (data === undefined) throw new ValueError('this server does not store datasets, so the step cannot read one');
    const { dataset: input, path } = one;
    await data.withFiles({ projectId, input, signal }, async (files) => {
      await next(at + 1, [...inputs, ...files.map(({ name, open }) => ({ path: `${path}/${name}`, open }))]);
    });
  };
  try {
    await next(0, []);
  } catch (error) {
    // A retry cannot restore a deleted version.
    if (error instanceof DaisError && (error.code === 'not_found' || error.code === 'invalid_state')) {
      throw new ValueError(error.message, { cause: error });
    }
    throw error;
  }
}

interface Leaving {
  readonly attempt: string;
  readonly step: Step;
  readonly uploads: readonly Uploaded[];
}

/** Checks that the output files of a step can be read as rows. @throws ValueError */
export async function requireReadableOutputs(
  { database, data }: { readonly database: Database; readonly data?: StepData },
  { projectId, ...left }: Leaving & { readonly projectId: string },
): Promise<void> {
  const made = datasetOutputs(left);
  if (made.length === 0 || data === undefined) return;
  try {
    await transact(database, { mode: 'read', projectId }, async (tx) => {
      for (const { dataset, files } of made) {
        const names = files.map(({ name }) => name);
        await data.requireReadable(tx, dataset, names);
      }
    });
  } catch (error) {
    if (error instanceof DaisError && !error.retryable) throw new ValueError(error.message, { cause: error });
    throw error;
  }
}

/** Creates dataset versions, in the transaction that commits the step and after its files are attached to the run. */
export async function createVersions(
  tx: Transaction,
  data: StepData,
  { run, actor, message, ...left }: Leaving & { readonly run: string; readonly actor: Actor; readonly message: string },
): Promise<void> {
  for (const { dataset, files } of datasetOutputs(left)) {
    await data.make(tx, { dataset, run, attempt: left.attempt, actor, message, files });
  }
}

function datasetOutputs({ attempt, step, uploads }: Leaving) {
  return Object.entries(step.outputs).flatMap(([output, spec]) => {
    if (!('artifact' in spec) || spec.dataset === undefined) return [];
    const prefix = prefixOf(attempt, output);
    const files = uploads.flatMap(({ name, lease }): OutputContent[] => {
      if (name !== prefix && !name.startsWith(`${prefix}/`)) return [];
      // A single file is stored under the name of the output. Its own name determines the file format.
      const called = name === prefix ? (spec.path.split('/').at(-1) ?? '') : name.slice(prefix.length + 1);
      return [{ name: called, content: name, sha256: lease.sha256, bytes: lease.size }];
    });
    return files.length === 0 ? [] : [{ dataset: spec.dataset, files }];
  });
}
