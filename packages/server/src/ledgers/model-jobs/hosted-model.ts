import type { ModelImportance } from '@dais/api/serving';
import type { Tensor, TensorSpec } from '#engines/inference/contract.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';

export interface HostedTable {
  readonly columns: ReadonlyMap<string, readonly JsonValue[]>;
  readonly rows: number;
}

/** Port: a model that was loaded for one job. It runs in a process without the rights of this one. */
export interface HostedModel {
  readonly engine: string;
  readonly outputs: readonly TensorSpec[];
  /** Columns of the answer with the types of MLflow, by the signature; may be empty. */
  readonly outputColumns: readonly { readonly name: string; readonly type: string }[];
  /** What would be wrong with any row of these columns. @throws DaisError `invalid_request`. */
  check(columns: readonly string[]): void;
  /** @throws DaisError `invalid_request` for what the model does not take; `model_unavailable` when its process died. */
  predict(table: HostedTable): Promise<readonly Tensor[]>;
  close(): Promise<void>;
}

/** Port: the same, to be explained; that it is not done by the event loop of this process is the host's affair. */
export interface ExplainableModel {
  /** What would be wrong with any row of these columns. @throws DaisError `invalid_request`. */
  check(columns: readonly string[]): Promise<void>;
  /** Rows of the model's input example that can be compared with; 0: it has none. */
  exampleRows(): Promise<number>;
  /** Compared with the rows of `background`, else with the model's input example. At most 64 rows. @throws DaisError `invalid_request`. */
  explain(table: HostedTable, background: HostedTable | undefined, how: HowExplained): Promise<HostedExplanation>;
  /** The same of rows as predictions are kept; `background` is a table as any. */
  explainKept(table: HostedTable, background: HostedTable | undefined, how: HowExplained): Promise<HostedExplanation>;
  close(): Promise<void>;
}

export interface HowExplained {
  readonly seed?: number;
  readonly outputIndex?: number;
  /** Of the input example at most so many rows. */
  readonly mostBackground?: number;
}

/** Of every row: the attributions (rows × features) add up to `instances` − `baselines`. */
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
  /** `trusted`: its files were looked at, and nothing was found in them. */
  readonly trust: 'trusted' | 'untrusted';
}

/** @throws DaisError `invalid_request` with what is wrong with the files. */
export type HostModel<Model = HostedModel> = (request: HostRequest, onPhase: (phase: string) => void) => Promise<Model>;
