import type { ModelImportance } from '@dais/api/serving';
import type { Tensor, TensorSpec } from '#engines/inference/contract.ts';
import type { JsonValue } from '#lib/json-reader.ts';

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
  /** Compared with the rows of `background`. At most 64 rows. @throws DaisError `invalid_request`. */
  explain(
    table: HostedTable,
    background: HostedTable,
    how: { readonly seed?: number; readonly outputIndex?: number },
  ): Promise<HostedExplanation>;
  /** The same of rows as predictions are kept, compared with the model's input example. */
  explainKept(table: HostedTable, how: { readonly outputIndex?: number }): Promise<HostedExplanation>;
  close(): Promise<void>;
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
export type HostModel = (request: HostRequest, onPhase: (phase: string) => void) => Promise<HostedModel>;
