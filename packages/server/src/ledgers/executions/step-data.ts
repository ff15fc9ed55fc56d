/** Versions of datasets that steps read, and those that their files become. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Actor } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { Artifact, DatasetInput, LateText } from './machine/plan.ts';

/** Asks whether whoever has a run begin may do an action to a dataset; absent where nobody can be asked. */
export type MayOf = (dataset: string) => (action: string) => Promise<boolean>;

/** A version as it was found. */
export type FoundVersion = Omit<DatasetInput, 'format'>;

interface DataFile {
  /** Its name in the folder of the input. */
  readonly name: string;
  readonly open: () => Promise<Readable>;
}

/** A file that a step left, as content of its run. */
export interface LeftFile {
  readonly name: string;
  /** Of the content of the run. */
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
  readonly files: readonly LeftFile[];
}

/** Port: the ledger that keeps versions of datasets. */
export interface StepData {
  /** @throws DaisError `not_found`, `invalid_state` (it is not ready), `forbidden`, `invalid_request`. */
  find(tx: Transaction, reference: string, may: MayOf | undefined): Promise<FoundVersion>;
  /** Columns of these that are masked for this reader. Nobody to ask: all that are. */
  masked(tx: Transaction, dataset: string, may: MayOf | undefined): Promise<readonly string[]>;
  /** Does `work` with its files. They stay until it has ended. @throws DaisError */
  withFiles<T>(
    of: { readonly projectId: string; readonly input: DatasetInput; readonly signal: AbortSignal },
    work: (files: readonly DataFile[]) => Promise<T>,
  ): Promise<T>;
  /** Whether files of these names can become a version. @throws DaisError `invalid_request`, `invalid_state`. */
  requireReadable(tx: Transaction, dataset: string, names: readonly string[]): Promise<void>;
  /** Enters the making of a version, of files that are then its own: there if the transaction commits, and once. */
  make(tx: Transaction, made: DataMade): Promise<void>;
}

/** The input of a step that is a version. */
export function datasetArtifact(found: FoundVersion, format: DatasetInput['format']): Artifact {
  const dataset: DatasetInput = { ...found, format };
  const { versionDigest, unmasked } = found;
  // Equal for what a step sees in the same way: other columns in the clear are other rows.
  const digest = createHash('sha256').update(canonicalJson({ versionDigest, format, unmasked }));
  return { run: '', prefix: '', folder: true, files: 0, bytes: 0, digest: digest.digest('hex'), dataset };
}

/** Stands for a version where a plan is only looked at. */
export function anyVersion(name: string): FoundVersion {
  return { name, number: 0, id: '', versionDigest: '', unmasked: [] };
}

/** Where it lies, and which version it is, for the command. */
export function datasetVariables(input: string, { name, number }: DatasetInput): readonly [string, LateText][] {
  const variable = `DAIS_DATA_${input.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`;
  return [
    [variable, [{ pathOfInput: input }]],
    [`${variable}_VERSION`, `${name}@${number}`],
  ];
}
