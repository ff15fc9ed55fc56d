/** Interface: converts a Python model to ONNX, in a process without the permissions of this one. */
import type { PredictFunction } from '@dais/api/serving';
import type { Tensor } from '#engines/inference/contract.ts';

export interface ConversionPlan {
  readonly form: 'columns' | 'tensor';
  readonly columns: readonly (readonly [string, string])[];
  /** Outputs of the original. */
  readonly own: PredictFunction;
}

export interface CheckRows {
  readonly expected: Tensor;
  readonly columns: readonly (readonly [string, readonly unknown[]])[];
  /** Number of rows from the input example: the first ones. */
  readonly examples: number;
  /** Ways to convert the model, most likely first. */
  readonly attempts: readonly string[];
}

export interface ConvertedModel {
  readonly onnx: Buffer;
  readonly opset: number;
  readonly estimators: readonly string[];
}

export interface Conversion {
  rows(): Promise<CheckRows>;
  /** @throws DaisError `invalid_request` with the reason. */
  convert(attempt: string): Promise<ConvertedModel>;
  close(): Promise<void>;
}

export interface Converter {
  /** Packages in addition to those of the model. */
  readonly packages: readonly string[];
  /**
   * Plans a conversion from the text of `MLmodel`. @throws DaisError `invalid_request` if the model cannot be
   * converted.
   */
  plan(mlmodel: string): ConversionPlan;
  /** Returns further files of the converted model, by name. `answer`: only if the original returns something else. */
  files(request: {
    readonly mlmodel: string;
    readonly label: string;
    readonly opset: number;
    readonly id: string;
    readonly answer: Tensor | undefined;
  }): Readonly<Record<string, string>>;
  /** Returns the files of the original that contain its example. */
  exampleFiles(mlmodel: string, paths: readonly string[]): readonly string[];
  /** @throws DaisError `invalid_request` if the model does not load. */
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
