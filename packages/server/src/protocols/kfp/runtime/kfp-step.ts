/** The executor of a component as stored in a step of the plan, for the dialect. */
import type { Json } from '#ledgers/executions/index.ts';
import type { IrParameterType } from '../ir/messages.ts';
import type { SuccessState } from './job-names.ts';

/** Name of the dialect in steps. */
export const KFP_DIALECT = 'kfp';

export interface KfpParameter {
  readonly type: IrParameterType;
  readonly default?: Json;
  readonly isOptional?: boolean;
  readonly literals?: readonly Json[];
}

export interface KfpArtifact {
  /** `system.Model`, or an instance schema. */
  readonly type?: string;
  readonly metadata?: Readonly<Record<string, Json>>;
  readonly isOptional?: boolean;
}

export interface KfpContainer {
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly variables: readonly { readonly name: string; readonly value: string }[];
}

export interface KfpImporter {
  readonly uri: { readonly constant: string } | { readonly parameter: string };
  readonly type?: string;
  readonly metadata: Readonly<Record<string, Json>>;
}

export interface KfpStep {
  readonly pipeline: string;
  readonly task: string;
  readonly component: string;
  readonly parameters: Readonly<Record<string, KfpParameter>>;
  readonly artifacts: Readonly<Record<string, KfpArtifact>>;
  readonly outputs: {
    readonly parameters: Readonly<Record<string, IrParameterType>>;
    readonly artifacts: Readonly<Record<string, KfpArtifact>>;
  };
  readonly body: { readonly container: KfpContainer } | { readonly importer: KfpImporter };
  readonly cacheKey?: string;
  /** State of a successful task in the final status that the component gets. */
  readonly successState: SuccessState;
  /** Value of inputs of the type TASK_CONFIG. */
  readonly taskConfig?: Json;
}

/** Input of an importer with its dataset version; no input of a component can have this name. */
export const IMPORTED_DATASET = ' dataset';

/** Folder of outputs, relative to the working folder. */
export const OUTPUTS = 'outputs';
export const EXECUTOR_OUTPUT = `${OUTPUTS}/executor_output.json`;

export function parameterPath(name: string): string {
  return `${OUTPUTS}/parameters/${encodeURIComponent(name)}`;
}

export function artifactPath(name: string): string {
  return `${OUTPUTS}/artifacts/${encodeURIComponent(name)}`;
}
