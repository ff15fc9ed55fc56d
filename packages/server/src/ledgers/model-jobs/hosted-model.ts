import type { ModelImportance } from '@dais/api/serving';
import type { Tensor, TensorSpec } from '#engines/inference/contract.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';

export interface HostedTable {
  readonly columns: ReadonlyMap<string, readonly JsonValue[]>;
  readonly rows: number;
}

/** Interface: a model that is loaded for one job, in a process without the permissions of this one. */
export interface HostedModel {
  readonly engine: string;
  readonly outputs: readonly TensorSpec[];
  /** Output columns with MLflow types, from the signature; may be empty. */
  readonly outputColumns: readonly { readonly name: string; readonly type: string }[];
  /** Returns the error that any row with these columns would cause. @throws DaisError `invalid_request`. */
  check(columns: readonly string[]): void;
  /**
   * @throws DaisError `invalid_request` for input that the model does not accept; `model_unavailable` if its process
   * died.
   */
  predict(table: HostedTable): Promise<readonly Tensor[]>;
  close(): Promise<void>;
}

/** Interface: a model that can also be explained; the host runs it outside the event loop of this process. */
export interface ExplainableModel {
  /** Returns the error that any row with these columns would cause. @throws DaisError `invalid_request`. */
  check(columns: readonly string[]): Promise<void>;
  /** Number of usable background rows in the input example; 0: none. */
  exampleRows(): Promise<number>;
  /**
   * Uses the rows of `background`, or the input example of the model. At most 64 rows. @throws DaisError
   * `invalid_request`.
   */
  explain(table: HostedTable, background: HostedTable | undefined, how: ExplainOptions): Promise<HostedExplanation>;
  /** The same for captured predictions; `background` is an ordinary table. */
  explainKept(table: HostedTable, background: HostedTable | undefined, how: ExplainOptions): Promise<HostedExplanation>;
  close(): Promise<void>;
}

export interface ExplainOptions {
  readonly seed?: number;
  readonly outputIndex?: number;
  /** Most rows of the input example to use. */
  readonly mostBackground?: number;
}

/** For every row: the attributions (rows × features) add up to `instances` − `baselines`. */
export interface HostedExplanation {
  readonly method: ModelImportance['method'];
  readonly scale: ModelImportance['scale'];
  readonly features: readonly string[];
  readonly background: number;
  readonly seed: number | undefined;
  readonly attributions: ArrayLike<number>;
  readonly baselines: ArrayLike<number>;
  readonly instances: ArrayLike<number>;
  readonly errors: ArrayLike<number>;
  readonly outputs: ArrayLike<number>;
}

export interface HostRequest {
  readonly label: string;
  readonly folder: string;
  readonly environment?: string | undefined;
  readonly signature: unknown;
  /** `trusted`: its files were scanned without findings. */
  readonly trust: 'trusted' | 'untrusted';
}

/** @throws DaisError `invalid_request` with the problem of the files. */
export type HostModel<Model = HostedModel> = (request: HostRequest, onPhase: (phase: string) => void) => Promise<Model>;
