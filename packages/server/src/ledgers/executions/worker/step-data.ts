/** Dataset versions of a step: those that it reads become its inputs, and its outputs become new versions. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DaisError, type Actor } from '@dais/api';
import type { TaskInput } from '#engines/compute/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { Artifact, DatasetInput, LateText, Step } from '../machine/plan.ts';
import { ValueError } from '../machine/values.ts';
import { prefixOf, type Uploaded } from './step-files.ts';
import type { PlacedArtifact } from './step-spec.ts';

/** Checks whether the starter of a run may do an action on a dataset. Absent when the platform starts the run. */
export type DatasetAccess = (dataset: string) => (action: string) => Promise<boolean>;

/** A resolved dataset version. */
export type FoundVersion = Omit<DatasetInput, 'format'>;

interface DataFile {
  /** Name in the folder of the input. */
  readonly name: string;
  readonly open: () => Promise<Readable>;
}

/** An output file of a step, as content of its run. */
export interface OutputContent {
  readonly name: string;
  /** Name in the content of the run. */
  readonly content: string;
  readonly sha256: string;
  readonly bytes: number;
}

interface DataMade {
  readonly dataset: string;
  readonly run: string;
  readonly attempt: string;
  readonly actor: Actor;
  readonly message: string;
  readonly files: readonly OutputContent[];
}

/** Interface: the ledger of dataset versions. */
export interface StepData {
  /** @throws DaisError `not_found`, `invalid_state` (it is not ready), `forbidden`, `invalid_request`. */
  find(tx: Transaction, reference: string, may: DatasetAccess | undefined): Promise<FoundVersion>;
  /** Returns the columns that are masked for this reader. Without a reader: all masked columns. */
  masked(tx: Transaction, dataset: string, may: DatasetAccess | undefined): Promise<readonly string[]>;
  /** Runs `work` with the files of the version, which exist until `work` has ended. @throws DaisError */
  withFiles<T>(
    of: { readonly projectId: string; readonly input: DatasetInput; readonly signal: AbortSignal },
    work: (files: readonly DataFile[]) => Promise<T>,
  ): Promise<T>;
  /** Checks that files of these names can become a version. @throws DaisError `invalid_request`, `invalid_state`. */
  requireReadable(tx: Transaction, dataset: string, names: readonly string[]): Promise<void>;
  /** Queues the creation of a version from the files, exactly once if the transaction commits. */
  make(tx: Transaction, made: DataMade): Promise<void>;
}

/** Returns the artifact of a dataset version. */
export function datasetArtifact(found: FoundVersion, format: DatasetInput['format']): Artifact {
  const dataset: DatasetInput = { ...found, format };
  const { versionDigest, unmasked } = found;
  // The digest covers all that the step can see: other unmasked columns mean other rows.
  const digest = createHash('sha256').update(canonicalJson({ versionDigest, format, unmasked }));
  return { run: '', prefix: '', folder: true, files: 0, bytes: 0, digest: digest.digest('hex'), dataset };
}

/** Returns a placeholder for a dataset version in a plan that is compiled only for inspection. */
export function placeholderVersion(name: string): FoundVersion {
  return { name, number: 0, id: '', versionDigest: '', unmasked: [] };
}

/** Returns the variables with the path and the version of a dataset input. */
export function datasetVariables(input: string, { name, number }: DatasetInput): readonly [string, LateText][] {
  const variable = `DAIS_DATA_${input.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`;
  return [
    [variable, [{ pathOfInput: input }]],
    [`${variable}_VERSION`, `${name}@${number}`],
  ];
}

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
  const requested = placed.flatMap(({ artifact: { dataset }, path }) =>
    dataset === undefined ? [] : [{ dataset, path }],
  );
  const next = async (at: number, inputs: readonly TaskInput[]): Promise<void> => {
    const one = requested[at];
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
