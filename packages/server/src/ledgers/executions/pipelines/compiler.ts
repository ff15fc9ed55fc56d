/** Interface of compilers from the document of a pipeline to a plan. Each pipeline format has one. */
import type { PipelineParameters } from '@dais/api/executions';
import type { Artifact, Graph, Json, Values } from '../machine/plan.ts';
import type { FoundVersion } from '../worker/step-data.ts';
import type { ImageRule } from './image-rules.ts';

export interface CompileOptions {
  /** Display name of the run. */
  readonly name: string;
  readonly runId: string;
  /** Parameters of the run. Undefined: the plan is compiled only for inspection, so values are not required. */
  readonly parameters: Readonly<Record<string, Json>> | undefined;
  /** The code of the run, if it includes code. */
  readonly code: Artifact | undefined;
  /** There are no accounts. */
  readonly solo: boolean;
  /** The time or event that starts the run automatically. */
  readonly fire?: Fire | undefined;
  /** Returns the newest version of another pipeline of the project. */
  readonly pipeline: (name: string) => Promise<PipelineDocument | undefined>;
  /** Resolves a dataset version; for inspection, returns a placeholder. @throws DaisError */
  readonly dataset: (reference: string) => Promise<FoundVersion>;
  /** Returns the environments that replace container images. */
  readonly images: () => Promise<readonly ImageRule[]>;
  /** Returns why other images cannot be run. Undefined: they can. */
  readonly imageProblem: () => Promise<string | undefined>;
}

export interface Fire {
  /** Scheduled time, or time of the event, in milliseconds since 1970-01-01 UTC. */
  readonly time: number;
  /** Number within its schedule, from 1. */
  readonly index: number;
  /** Data of the event. */
  readonly data?: Json | undefined;
}

export interface PipelineDocument {
  readonly format: string;
  readonly document: unknown;
}

export interface CompiledPipeline {
  readonly plan: Graph;
  readonly inputs: Values;
  /** Declared parameters of the pipeline. */
  readonly parameters: PipelineParameters;
  /** Settings of the document that are ignored or handled differently. */
  readonly warnings: readonly string[];
}

export interface PipelineCompiler {
  /** @throws DaisError `invalid_request` with all errors and their paths. */
  compile(document: unknown, options: CompileOptions): Promise<CompiledPipeline>;
}

/** Compilers by format. */
export type PipelineCompilers = ReadonlyMap<string, PipelineCompiler>;
