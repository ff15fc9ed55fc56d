/** Dataset versions that steps read and create. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Actor } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { Artifact, DatasetInput, LateText } from '../machine/plan.ts';

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
