/** Port: what makes ONNX of a Python model, in a process without the rights of this one. */
import type { PredictFunction } from '@dais/api/serving';
import type { Tensor } from '#engines/inference/contract.ts';

export interface ConversionPlan {
  readonly form: 'columns' | 'tensor';
  readonly columns: readonly (readonly [string, string])[];
  /** What the original answers with. */
  readonly own: PredictFunction;
}

export interface CheckRows {
  readonly expected: Tensor;
  readonly columns: readonly (readonly [string, readonly unknown[]])[];
  /** How many are of the input example: the first ones. */
  readonly examples: number;
  /** Ways to convert it, the likeliest first. */
  readonly attempts: readonly string[];
}

export interface ConvertedModel {
  readonly onnx: Buffer;
  readonly opset: number;
  readonly estimators: readonly string[];
}

export interface Conversion {
  rows(): Promise<CheckRows>;
  /** @throws DaisError `invalid_request` with what is in the way. */
  convert(attempt: string): Promise<ConvertedModel>;
  close(): Promise<void>;
}

export interface Converter {
  /** Packages that it needs beside those of the model. */
  readonly packages: readonly string[];
  /** From the text of `MLmodel`. @throws DaisError `invalid_request` for what cannot be converted. */
  plan(mlmodel: string): ConversionPlan;
  /** What lies beside the converted model, by name. `answer`: only where the original answers with something else. */
  files(asked: {
    readonly mlmodel: string;
    readonly label: string;
    readonly opset: number;
    readonly id: string;
    readonly answer: Tensor | undefined;
  }): Readonly<Record<string, string>>;
  /** Those of the original's files that hold its example. */
  exampleFiles(mlmodel: string, paths: readonly string[]): readonly string[];
  /** @throws DaisError `invalid_request` for a model that does not load. */
  open(request: {
    readonly folder: string;
    readonly environment: string;
    readonly trust: 'trusted' | 'untrusted';
    readonly mlmodel: string;
    readonly predictFn: PredictFunction;
    readonly opset: number;
    readonly signal: AbortSignal;
  }): Promise<Conversion>;
}
