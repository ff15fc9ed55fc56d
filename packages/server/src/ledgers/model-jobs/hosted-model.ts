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
  /** Names of the columns of the answer, by the signature; may be empty. */
  readonly outputNames: readonly string[];
  /** What would be wrong with any row of these columns. @throws DaisError `invalid_request`. */
  check(columns: readonly string[]): void;
  /** @throws DaisError `invalid_request` for what the model does not take; `model_unavailable` when its process died. */
  predict(table: HostedTable): Promise<readonly Tensor[]>;
  close(): Promise<void>;
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
