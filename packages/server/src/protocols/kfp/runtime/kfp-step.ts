/** What a step of a plan keeps of a component's executor, for when it starts: read by the dialect alone. */
import type { Json } from '#ledgers/executions/index.ts';
import type { IrParameterType } from '../ir/messages.ts';

/** The word under which steps name this dialect. */
export const KFP_DIALECT = 'kfp';

export interface KfpParameter {
  readonly type: IrParameterType;
  readonly default?: Json;
  readonly isOptional?: boolean;
  readonly literals?: readonly Json[];
}

export interface KfpArtifact {
  /** `system.Model`, or a whole schema. */
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
  /** What a component is told that asks how its task is set up; by the names of its inputs for that. */
  readonly taskConfig?: Json;
}

/** The input of an importer that is the version which it brings; no input of a component can be called so. */
export const IMPORTED_DATASET = ' dataset';

/** Where a step leaves its outputs, below its working folder. */
export const OUTPUTS = 'outputs';
export const EXECUTOR_OUTPUT = `${OUTPUTS}/executor_output.json`;

export function parameterPath(name: string): string {
  return `${OUTPUTS}/parameters/${encodeURIComponent(name)}`;
}

export function artifactPath(name: string): string {
  return `${OUTPUTS}/artifacts/${encodeURIComponent(name)}`;
}
